import { answerFaults } from './check.ts'
import type { Databases } from './databases.ts'
import type { Driver, Load, Loaded } from './load.ts'
import { userId } from './order-body.ts'
import { runPaced } from './paced.ts'
import { processorSeconds } from './processor-time.ts'
import { sagaFaults } from './saga-check.ts'
import type { SagaSample } from './saga-report.ts'
import { type SagaStore, sagaStore } from './saga-store.ts'
import { type ServerProcess, startServer } from './server-process.ts'

/** The whole system, and its database. */
export type SagaContender = Readonly<{ server: ServerProcess; store: SagaStore }>

/** A run of the whole system, how fast its creates were answered, and what was wrong with it. */
export type SagaRun = Readonly<{ sample: SagaSample; loaded: Loaded; faults: readonly string[] }>

const usersMax = 1000
const depositAmount = 10_000_000_000
const askersMax = 32

/** Makes the database of the whole system, starts it, and opens the users' accounts. */
export async function openSaga(databases: Databases): Promise<SagaContender> {
  const store = await sagaStore(databases)
  const server = await startServer('saga-server.ts', { connection: store.connection })
  await forEachUser((user) => {
    const body = { userId: userId(user), name: `user ${user}` }
    return post(server.port, '/accounts', `account-${user}`, body)
  })
  return { server, store }
}

/**
 * Puts a load on the whole system, on empty tables and accounts with money (every twentieth user
 * has none: the orders are declined), waits until everything has settled, and checks the
 * invariants. With a rate, requests come at that rate; else in a closed loop.
 */
export async function runSaga(
  { pid }: Pick<Databases, 'pid'>,
  { server, store }: SagaContender,
  driver: Driver,
  wanted: Omit<Load, 'port' | 'keys' | 'isSkewed'> & Readonly<{ rate?: number }>,
): Promise<SagaRun> {
  const { rate } = wanted
  const deposited = await prepare({ server, store }, wanted.run)
  const costs = async () => {
    const [node, postgres] = [await processorSeconds(server.pid), await processorSeconds(pid)]
    return { node, postgres, ...(await store.counters()) }
  }
  const before = await costs()
  const load = { ...wanted, port: server.port, keys: 0, isSkewed: true }
  const paced = rate === undefined ? undefined : await runPaced({ ...load, rate })
  const loaded = paced ?? (await driver.run(load))
  await store.settle()
  const after = await costs()
  const counted = await store.count()
  const { settledSeconds, registeredSeconds } = await store.took()
  const latency = await store.latency(paced && { startedAtMs: paced.startedAtMs, rate: rate! })
  const per = (a: number | undefined, b: number | undefined) =>
    a === undefined || b === undefined ? undefined : (a - b) / counted.orders
  const unansweredMax = rate === undefined ? wanted.connections : 0
  const faults = [
    ...answerFaults(loaded),
    ...sagaFaults(counted, { answered: loaded.answered, unansweredMax }, deposited),
    ...(await store.violations()),
  ]
  const sample = {
    ...latency,
    rate: counted.orders / settledSeconds,
    registeredRate: counted.orders / registeredSeconds,
    createRate: loaded.rate,
    nodeSeconds: per(after.node, before.node),
    postgresSeconds: per(after.postgres, before.postgres),
    transactions: per(after.transactions, before.transactions),
    walBytes: per(after.walBytes, before.walBytes),
  }
  return { sample, loaded, faults }
}

/** Resolves to what all users have together. */
async function prepare({ server, store }: SagaContender, run: string): Promise<number> {
  await store.settle()
  await store.clear()
  let deposited = 0
  await forEachUser(async (user) => {
    if (user % 20 === 19) return
    deposited += depositAmount
    const path = `/accounts/${userId(user)}/deposits`
    await post(server.port, path, `${run}-deposit-${user}`, { amount: depositAmount })
  })
  await store.settle()
  return deposited
}

async function forEachUser(ask: (user: number) => Promise<void>): Promise<void> {
  let next = 0
  const asker = async () => {
    while (next < usersMax) {
      next += 1
      await ask(next - 1)
    }
  }
  await Promise.all(Array.from({ length: askersMax }, asker))
}

async function post(port: number, path: string, key: string, body: object): Promise<void> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'idempotency-key': key },
    body: JSON.stringify(body),
  })
  const answer = await response.text()
  if (response.status !== 201) throw new Error(`POST ${path}: ${response.status} ${answer}`)
}
