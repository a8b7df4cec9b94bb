import { answerFaults } from './check.ts'
import type { Databases } from './databases.ts'
import type { Driver, Load, Loaded } from './load.ts'
import { userId } from './order-body.ts'
import { runPaced } from './paced.ts'
import { processorSeconds } from './processor-time.ts'
import { sagaFaults } from './saga-check.ts'
import { countedOf, latencyOf, tookOf } from './saga-left.ts'
import type { SagaSample } from './saga-report.ts'
import { type SagaStore, sagaStore } from './saga-store.ts'
import { startServer } from './server-process.ts'

/** The whole system as clients meet it at one port, and its tables. */
export type SagaContender = Readonly<{
  port: number
  store: SagaStore
  /** Its processes of Node, by what they do. */
  node: Readonly<Record<string, number>>
  /** The process of Kafka, where there is one. */
  kafka?: number
  stop(): Promise<void>
}>

/** A run of the whole system, how fast its creates were answered, and what was wrong with it. */
export type SagaRun = Readonly<{ sample: SagaSample; loaded: Loaded; faults: readonly string[] }>

const usersMax = 1000
const depositAmount = 10_000_000_000
const askersMax = 32

/** Makes the database of the whole system, and starts it in one process. */
export async function openSaga(databases: Databases): Promise<SagaContender> {
  const store = await sagaStore(databases, 'together')
  const server = await startServer('saga-server.ts', { connection: store.connections.orders })
  await openAccounts(server.port)
  return { port: server.port, store, node: { semel: server.pid }, stop: server.stop }
}

/** Opens the account of every user of the load. */
export function openAccounts(port: number): Promise<void> {
  return forEachUser((user) => {
    const body = { userId: userId(user), name: `user ${user}` }
    return post(port, '/accounts', `account-${user}`, body)
  })
}

/**
 * Puts a load on the whole system, on empty tables and accounts with money (every twentieth user
 * has none: the orders are declined), waits until everything has settled, and checks the
 * invariants. With a rate, requests come at that rate; else in a closed loop.
 */
export async function runSaga(
  { pid }: Pick<Databases, 'pid'>,
  contender: SagaContender,
  driver: Driver,
  wanted: Omit<Load, 'port' | 'keys' | 'isSkewed'> & Readonly<{ rate?: number }>,
): Promise<SagaRun> {
  const { rate } = wanted
  const { port, store } = contender
  const deposited = await prepare(contender, wanted.run)
  const before = await costsOf(contender, pid)
  const load = { ...wanted, port, keys: 0, isSkewed: true }
  const paced = rate === undefined ? undefined : await runPaced({ ...load, rate })
  const loaded = paced ?? (await driver.run(load))
  await store.settle()
  const after = await costsOf(contender, pid)
  const left = await store.left()
  const orders = left.orders.length
  const { settledSeconds, registeredSeconds } = tookOf(left)
  const unansweredMax = rate === undefined ? wanted.connections : 0
  const faults = [
    ...answerFaults(loaded),
    ...sagaFaults(countedOf(left), { answered: loaded.answered, unansweredMax }, deposited),
    ...(await store.violations()),
  ]
  const sample = {
    ...latencyOf(left, paced && { startedAtMs: paced.startedAtMs, rate: rate! }),
    rate: orders / settledSeconds,
    registeredRate: orders / registeredSeconds,
    createRate: loaded.rate,
    costs: Object.fromEntries(
      Object.entries(after).flatMap(([name, used]) =>
        used === undefined ? [] : [[name, (used - (before[name] ?? 0)) / orders]],
      ),
    ),
  }
  return { sample, loaded, faults }
}

/** What was used so far: seconds of processor of each process, and what PostgreSQL counts. */
async function costsOf(
  { node, kafka, store }: SagaContender,
  postgres: number,
): Promise<Readonly<Record<string, number | undefined>>> {
  const pids = { ...node, postgres, ...(kafka === undefined ? {} : { kafka }) }
  const used = Object.entries(pids).map(async ([name, pid]) => [name, await processorSeconds(pid)])
  return { ...Object.fromEntries(await Promise.all(used)), ...(await store.counters()) }
}

/** Resolves to what all users have together. */
async function prepare({ port, store }: SagaContender, run: string): Promise<number> {
  await store.settle()
  await store.clear()
  let deposited = 0
  await forEachUser(async (user) => {
    if (user % 20 === 19) return
    deposited += depositAmount
    const path = `/accounts/${userId(user)}/deposits`
    await post(port, path, `${run}-deposit-${user}`, { amount: depositAmount })
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
