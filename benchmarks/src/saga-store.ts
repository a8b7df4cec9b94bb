import { migrations as billing } from '@semel/billing'
import { runChecks } from '@semel/cli/src/check/check.ts'
import { checks } from '@semel/cli/src/check/checks.ts'
import { migrations as messages } from '@semel/messages'
import { migrations as notifications } from '@semel/notifications'
import { migrations as orders } from '@semel/orders'
import { createPool, migrate } from '@semel/postgres'
import type { EmbeddedConnection } from '@semel/postgres/embedded'
import { waitUntilQuiet } from './check.ts'
import type { Databases } from './databases.ts'
import { violationFaults } from './saga-check.ts'
import type { SagaLeft } from './saga-left.ts'
import * as sql from './saga-sql.ts'
import { type Keeper, keepers } from './saga-sql.ts'

/** The tables of the whole system, in one database or in one for each service. */
export type SagaStore = Readonly<{
  connections: Readonly<Record<Keeper, EmbeddedConnection>>
  /** Takes out what runs have left; nobody has money then. */
  clear(): Promise<void>
  /** Waits until services have done all that follows from what was asked, and nothing comes. */
  settle(): Promise<void>
  left(): Promise<SagaLeft>
  /** What `semel check` finds in each database: what one lacks tables for is skipped there. */
  violations(): Promise<readonly string[]>
  counters(): Promise<Readonly<{ transactions: number; walBytes: number }>>
}>

const pollIntervalMs = 50
const quietPolls = 4
const settleLimitMs = 120_000

const migrations = { orders, billing, notifications, messages }

/** A database, and who is in it. */
type House = Readonly<{
  keepers: readonly Keeper[]
  connection: EmbeddedConnection
  // biome-ignore lint/suspicious/noExplicitAny: rows of many statements
  rows(text: string): Promise<readonly any[]>
}>

/** Makes one database for the whole system, or one for each of its services. */
export async function sagaStore(
  databases: Databases,
  kind: 'together' | 'apart',
): Promise<SagaStore> {
  const houses: House[] = []
  for (const inIt of kind === 'together' ? [keepers] : keepers.map((one) => [one])) {
    houses.push(await houseOf(databases, kind === 'together' ? 'saga' : `saga_${inIt[0]}`, inIt))
  }
  const houseBy = (keeper: Keeper) => houses.find((house) => house.keepers.includes(keeper))!
  const rows = (keeper: Keeper, text: string) => houseBy(keeper).rows(text)
  const row = async (keeper: Keeper, text: string) => (await rows(keeper, text))[0]
  const connections = keepers.map((keeper) => [keeper, houseBy(keeper).connection])
  return {
    connections: Object.fromEntries(connections),
    async clear() {
      for (const house of houses) {
        for (const statement of sql.sagaClear(house.keepers)) await house.rows(statement)
      }
    },
    async settle() {
      const deadlineMs = performance.now() + settleLimitMs
      for (let quiet = 0; quiet < quietPolls; ) {
        const open = await stillOpen(houses, row)
        quiet = open === undefined ? quiet + 1 : 0
        if (performance.now() > deadlineMs) throw new Error(`orders do not settle: ${open}`)
        await new Promise((resolve) => setTimeout(resolve, pollIntervalMs))
      }
      for (const { connection } of houses) {
        await waitUntilQuiet(databases.admin, connection.database)
      }
    },
    async left() {
      const ends = await Promise.all(houses.map((house) => house.rows(sql.sagaRest)))
      return {
        orders: await rows('orders', sql.ordersLeft),
        charges: await rows('billing', sql.chargesLeft),
        notifications: await rows('notifications', sql.notificationsLeft),
        letters: sum(ends.map(([end]) => end.letters)),
        ...(await row('orders', sql.keysLeft)),
        ...(await row('billing', sql.accountsLeft)),
        ...(await row('messages', sql.registryLeft)),
      }
    },
    async violations() {
      return (await Promise.all(houses.map(violationsIn))).flat()
    },
    async counters() {
      const all = (
        await Promise.all(houses.map((house) => house.rows(sql.postgresCounters)))
      ).flat()
      const { walBytes } = all[0]
      return { transactions: sum(all.map(({ transactions }) => transactions)), walBytes }
    },
  }
}

async function houseOf(
  databases: Databases,
  name: string,
  inIt: readonly Keeper[],
): Promise<House> {
  const connection = await databases.make(name)
  const pool = createPool({ connection })
  const sets = new Set(inIt.flatMap((keeper) => migrations[keeper]))
  await migrate(pool, [...sets]).finally(() => pool.end())
  const client = await databases.connect(connection)
  const rows = async (text: string) => (await client.query(text)).rows
  return { keepers: inIt, connection, rows }
}

/** What is not done yet, in words; undefined when all is. */
async function stillOpen(
  houses: readonly House[],
  // biome-ignore lint/suspicious/noExplicitAny: rows of many statements
  row: (keeper: Keeper, text: string) => Promise<any>,
): Promise<string | undefined> {
  const rests = (await Promise.all(houses.map((house) => house.rows(sql.sagaRest)))).flat()
  const [unread, asked] = [sum(rests.map((one) => one.unread)), sum(rests.map((one) => one.asked))]
  const { pending, settled } = await row('orders', sql.sagaProgress.orders)
  const { told } = await row('notifications', sql.sagaProgress.notifications)
  const { registered } = await row('messages', sql.sagaProgress.messages)
  if (unread === 0 && pending === 0 && told >= settled && registered >= asked) return undefined
  return (
    `${unread} messages unread, ${pending} orders pending, ` +
    `${told} of ${settled} told of, ${registered} of ${asked} registered`
  )
}

async function violationsIn({ connection }: House): Promise<readonly string[]> {
  const asking = createPool({ connection, connectionsMax: 1 })
  const { checks: reports } = await runChecks(asking, checks).finally(() => asking.end())
  return violationFaults(reports)
}

function sum(values: readonly number[]): number {
  return values.reduce((all, one) => all + one, 0)
}
