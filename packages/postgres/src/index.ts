export {
  byteaArray,
  int2Array,
  int4Array,
  int8Array,
  jsonbArray,
  textArray,
  timestamptzArray,
  uuidArray,
} from './binary-array.ts'
export { DatabaseUnavailable } from './database-unavailable.ts'
export { exactly } from './exactly.ts'
export {
  compareMigrations,
  type Migration,
  MigrationRefused,
  type MigrationSet,
  migrate,
  readMigrations,
} from './migrations.ts'
export {
  type Connection,
  createPool,
  type Pool,
  type PoolOptions,
  type Queryable,
  queryable,
  type Rows,
  type Statement,
} from './pool.ts'
export { openSession, type Session } from './session.ts'
export { sqlStateOf } from './sqlstate.ts'
export { type RetryLimits, type Tx, transaction } from './transaction.ts'
