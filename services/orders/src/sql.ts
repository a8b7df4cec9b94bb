import type { Repository } from '@semel/commands'
import type { OrderStatus } from '@semel/contracts/orders'
import {
  byteaArray,
  exactly,
  int2Array,
  int4Array,
  int8Array,
  jsonbArray,
  type MigrationSet,
  type Queryable,
  type Tx,
  textArray,
  timestamptzArray,
  uuidArray,
} from '@semel/postgres'
import {
  linesOf,
  type OrderCommand,
  type OrderState,
  orderIdOf,
  type PlacedOrder,
} from './order.ts'

/** The tables of the service. */
export const orderMigrations: MigrationSet = {
  set: 'orders',
  folder: new URL('../migrations/', import.meta.url),
}

// By name: a column more, in a later release, must not change what a prepared statement returns.
const columns = `id, number, user_id, lines, total, currency, status, version, created_at, updated_at,
  created_from, created_from_version`

/** Orders in PostgreSQL. */
export const orderRepository: Repository<OrderState, OrderCommand, Tx> = {
  async load(tx, ids, commands) {
    const wanted = commands.filter(({ operation }) => operation === 'place-order').map(orderIdOf)
    const [{ rows }, numbers] = await Promise.all([
      tx.query<OrderRow>({ name: 'lock-orders', text: lockOrders, values: [uuidArray(ids)] }),
      takeNumbers(tx, new Set(wanted)),
    ])
    const placed = new Map(rows.map((row) => [row.id, orderOf(row)]))
    const absent = (id: string): OrderState => ({
      status: 'absent',
      id,
      number: numbers.get(id) ?? 0,
    })
    return new Map(ids.map((id) => [id, placed.get(id) ?? absent(id)]))
  },
  async save(tx, changed) {
    const orders = changed.filter((order) => order.status !== 'absent')
    const [placed, loaded] = [orders.filter(isNew), orders.filter((order) => !isNew(order))]
    insertOrders(tx, placed)
    updateOrders(tx, loaded.filter(isEdited))
    settleOrders(
      tx,
      loaded.filter((order) => !isEdited(order)),
    )
  },
}

/** One order as it stands; undefined where there is none. */
export async function findOrder(db: Queryable, id: string): Promise<PlacedOrder | undefined> {
  const { rows } = await db.query<OrderRow>({
    name: 'find-order',
    text: `select ${columns} from orders where id = $1`,
    values: [id],
  })
  return rows[0] && orderOf(rows[0])
}

/** Orders, newest first, below a number; of one user, or of all. */
export async function listOrders(
  db: Queryable,
  asked: {
    userId: string | undefined
    status: OrderStatus | undefined
    below: number
    limit: number
  },
): Promise<PlacedOrder[]> {
  const { userId, status, below, limit } = asked
  const values = [below, limit, status ?? null]
  const { rows } = await (userId === undefined
    ? db.query<OrderRow>({ name: 'list-orders', text: listAll, values })
    : db.query<OrderRow>({
        name: 'list-user-orders',
        text: listOfUser,
        values: [...values, userId],
      }))
  return rows.map(orderOf)
}

/** What an order's row says, and what it should. */
export type OrderFault = Readonly<{ id: string; is: string; shouldBe: string }>

/** Lists, up to `limit`, orders whose total is not the sum of their lines. Reads every order. */
export async function findOrderFaults(db: Queryable, limit = 100): Promise<readonly OrderFault[]> {
  const { rows } = await db.query<OrderFault>({
    text: `select id, 'total ' || total as "is", 'total ' || coalesce(summed::text, 'none') as "shouldBe"
             from orders cross join lateral (
               select sum((line->>'quantity')::numeric * (line->>'unitPrice')::numeric) as summed
                 from jsonb_array_elements(lines) as line
             ) as of_lines
            where total is distinct from summed
            order by id limit $1`,
    values: [limit],
  })
  return rows
}

type OrderRow = {
  id: string
  number: number
  user_id: string
  lines: PlacedOrder['lines']
  total: number
  currency: string
  status: OrderStatus
  version: number
  created_at: Date
  updated_at: Date
  created_from: Buffer
  created_from_version: number
}

async function takeNumbers(tx: Tx, ids: ReadonlySet<string>): Promise<Map<string, number>> {
  if (ids.size === 0) return new Map()
  const { rows } = await tx.query<{ number: number }>({
    name: 'take-order-numbers',
    text: `select nextval('order_numbers') as number from generate_series(1, $1::integer)`,
    values: [ids.size],
  })
  return new Map([...ids].map((id, index) => [id, rows[index]!.number]))
}

function insertOrders(tx: Tx, orders: readonly PlacedOrder[]): void {
  if (orders.length === 0) return
  const column = <T>(of: (order: PlacedOrder) => T) => orders.map(of)
  tx.send({
    name: 'insert-orders',
    text: `insert into orders (id, number, user_id, lines, total, currency, status, version,
                               created_at, updated_at, created_from, created_from_version)
           select * from unnest($1::uuid[], $2::bigint[], $3::uuid[], $4::jsonb[], $5::bigint[],
                                $6::text[], $7::text[], $8::integer[], $9::timestamptz[],
                                $10::timestamptz[], $11::bytea[], $12::smallint[])`,
    values: [
      uuidArray(column(({ id }) => id)),
      int8Array(column(({ number }) => number)),
      uuidArray(column(({ userId }) => userId)),
      jsonbArray(column(({ lines }) => JSON.stringify(lines))),
      int8Array(column(({ total }) => total)),
      textArray(column(({ currency }) => currency)),
      textArray(column(({ status }) => status)),
      int4Array(column(({ version }) => version)),
      timestamptzArray(column(({ createdAt }) => createdAt)),
      timestamptzArray(column(({ updatedAt }) => updatedAt)),
      byteaArray(column(({ createdFrom }) => createdFrom.hash)),
      int2Array(column(({ createdFrom }) => createdFrom.version)),
    ],
  })
}

function updateOrders(tx: Tx, orders: readonly PlacedOrder[]): void {
  if (orders.length === 0) return
  const column = <T>(of: (order: PlacedOrder) => T) => orders.map(of)
  const update = {
    name: 'update-orders',
    text: `update orders
              set lines = changed.lines, total = changed.total, status = changed.status,
                  version = changed.version, updated_at = changed.updated_at
             from unnest($1::uuid[], $2::integer[], $3::text[], $4::jsonb[], $5::bigint[],
                         $6::text[], $7::integer[], $8::timestamptz[])
                  as changed (id, stored_version, stored_status, lines, total, status, version,
                              updated_at)
            where orders.id = changed.id and orders.version = changed.stored_version
              and orders.status = changed.stored_status`,
    values: [
      ...storedColumns(orders),
      jsonbArray(column(({ lines }) => JSON.stringify(lines))),
      int8Array(column(({ total }) => total)),
      textArray(column(({ status }) => status)),
      int4Array(column(({ version }) => version)),
      timestamptzArray(column(({ updatedAt }) => updatedAt)),
    ],
  }
  tx.send(exactly(orders.length, update))
}

/** A payment writes its two columns, and leaves alone what callers edit. */
function settleOrders(tx: Tx, orders: readonly PlacedOrder[]): void {
  if (orders.length === 0) return
  const update = {
    name: 'settle-orders',
    text: `update orders set status = changed.status, updated_at = changed.updated_at
             from unnest($1::uuid[], $2::integer[], $3::text[], $4::text[], $5::timestamptz[])
                  as changed (id, stored_version, stored_status, status, updated_at)
            where orders.id = changed.id and orders.version = changed.stored_version
              and orders.status = changed.stored_status`,
    values: [
      ...storedColumns(orders),
      textArray(orders.map(({ status }) => status)),
      timestamptzArray(orders.map(({ updatedAt }) => updatedAt)),
    ],
  }
  tx.send(exactly(orders.length, update))
}

/** Which row is meant, and what it must hold: within one version, a status never comes back. */
function storedColumns(orders: readonly PlacedOrder[]): readonly Buffer[] {
  return [
    uuidArray(orders.map(({ id }) => id)),
    int4Array(orders.map(({ stored }) => stored?.version ?? null)),
    textArray(orders.map(({ stored }) => stored?.status ?? null)),
  ]
}

function isNew({ stored }: PlacedOrder): boolean {
  return stored === undefined
}

function isEdited({ version, stored }: PlacedOrder): boolean {
  return version !== stored?.version
}

function orderOf(row: OrderRow): PlacedOrder {
  const { id, number, lines, total, currency, status, version } = row
  return {
    id,
    number,
    userId: row.user_id,
    lines: linesOf(lines),
    total,
    currency,
    status,
    version,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    createdFrom: { version: row.created_from_version, hash: row.created_from },
    stored: { version, status },
  }
}

const lockOrders = `
  select ${columns} from orders where id = any($1::uuid[]) order by id for update`

const listAll = `
  select ${columns} from orders
   where number < $1 and ($3::text is null or status = $3)
   order by number desc limit $2`

const listOfUser = `
  select ${columns} from orders
   where user_id = $4 and number < $1 and ($3::text is null or status = $3)
   order by number desc limit $2`

/** The currency that the database holds; undefined where it holds none yet. */
export async function currencyInUse(db: Queryable): Promise<string | undefined> {
  const { rows } = await db.query<{ currency: string }>({
    text: 'select currency from orders limit 1',
  })
  return rows[0]?.currency
}
