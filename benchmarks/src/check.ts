import type pg from 'pg'

/** What a run left in the tables of a contender. */
export type Counted = Readonly<{
  orders: number
  /** Keys that were answered with an order: rows of the command log. */
  keys: number
  /** Orders that have their own key, and their own message where there are messages. */
  whole: number
  /** Absent where a contender tells nobody. */
  messages?: number
  orderSum?: number
  messageSum?: number
}>

/** What the load tool saw, and how many requests it may have left without waiting for answers. */
export type Expected = Readonly<{ answered: number; unansweredMax: number }>

const quietPolls = 3
const pollIntervalMs = 20
const quietLimitMs = 15_000

/**
 * What was lost or doubled; nothing if all is as it should be.
 *
 * A load tool that ends cuts its connections. What was asked on them last may have been decided
 * without being counted, one request for each connection at most; whatever is beyond is a fault.
 */
export function faultsOf(counted: Counted, { answered, unansweredMax }: Expected): string[] {
  const { orders, keys, whole, messages = orders, orderSum = 0, messageSum = orderSum } = counted
  const faults: string[] = []
  if (orders < answered) faults.push(`${answered - orders} answered orders are lost`)
  if (orders > answered + unansweredMax) {
    const most = answered + unansweredMax
    faults.push(`${orders} orders where ${most} can have been asked for: some are doubled`)
  }
  if (keys !== orders) faults.push(`${orders} orders under ${keys} keys`)
  if (messages !== orders) faults.push(`${orders} orders told by ${messages} messages`)
  if (whole !== orders) faults.push(`${orders - whole} orders without their own key and message`)
  if (messageSum !== orderSum)
    faults.push(`orders sum up to ${orderSum}, messages to ${messageSum}`)
  return faults
}

/** What is wrong with what the tool itself counted. */
export function answerFaults({ non2xx, errors }: { non2xx: number; errors: number }): string[] {
  const faults: string[] = []
  if (non2xx > 0) faults.push(`${non2xx} requests were not answered with 2xx`)
  if (errors > 0) faults.push(`${errors} requests or connections failed`)
  return faults
}

/** Waits until a database's clients have nothing left to do: what was cut off is then decided. */
export async function waitUntilQuiet(admin: pg.Client, database: string): Promise<void> {
  const deadlineMs = performance.now() + quietLimitMs
  for (let quiet = 0; quiet < quietPolls; ) {
    const { rows } = await admin.query(busyClients, [database])
    quiet = rows[0].busy === 0 ? quiet + 1 : 0
    if (performance.now() > deadlineMs) throw new Error(`${database} does not come to rest`)
    await new Promise((resolve) => setTimeout(resolve, pollIntervalMs))
  }
}

const busyClients = `
  select count(*)::integer as busy from pg_stat_activity
   where datname = $1 and backend_type = 'client backend' and state <> 'idle'`
