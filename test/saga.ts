import { createBilling, findImbalances, migrations as ofBilling } from '@semel/billing'
import { topics as topicNames } from '@semel/contracts/catalogue'
import { announceAll } from '@semel/contracts/messages'
import { createGateway } from '@semel/gateway'
import type { CallerOptions, Service } from '@semel/http'
import { createMessages, migrations as ofMessages } from '@semel/messages'
import { createNotifications, migrations as ofNotifications } from '@semel/notifications'
import { createOrders, migrations as ofOrders } from '@semel/orders'
import { type Pool, queryable } from '@semel/postgres'
import type { TestDatabase } from '@semel/postgres/testing'
import { listPositions, resetPosition } from '@semel/topics'
import { postgresTransport } from '@semel/topics/postgres'
import { onTestFinished } from 'vitest'
import { type Asked, ask, bodyOf, type Told } from './client.ts'
import { until } from './product.ts'

/** What has to be in the database for all services. */
export const migrations = [
  ...new Set([...ofOrders, ...ofBilling, ...ofNotifications, ...ofMessages]),
]

type ServiceName = 'orders' | 'billing' | 'notifications' | 'messages'

/** Services that run, behind the gateway at `url`. */
export type Saga = Readonly<{ url: string; stop(): Promise<void> }>

/** Runs the product, or some of its services, in this process until stopped or the test's end. */
export async function startSaga(
  database: TestDatabase,
  options: Readonly<{
    /** How many partitions new messages of each topic are spread over. Default 1. */
    partitions?: number
    without?: readonly ServiceName[]
    callers?: CallerOptions
    /** Told of every error that callers are told nothing of. Default: the gateway's are printed. */
    report?: (error: unknown) => void
  }> = {},
): Promise<Saga> {
  const { partitions: count = 1, without = [], callers = { kind: 'none' } } = options
  const reporting = options.report === undefined ? {} : { report: options.report }
  const pool = database.anotherPool({ connectionsMax: 16 })
  const partitions = Object.fromEntries(topicNames.map((name) => [name, count]))
  const topics = postgresTransport({ pool, partitions })
  const parts = { pool, topics }
  const moneyed = { ...parts, currency: 'EUR', announce: announceAll }
  const makers: Readonly<Record<ServiceName, () => Service>> = {
    orders: () => createOrders(moneyed),
    billing: () => createBilling(moneyed),
    notifications: () => createNotifications(parts),
    messages: () => createMessages(parts),
  }
  const names = (Object.keys(makers) as ServiceName[]).filter((name) => !without.includes(name))
  const services = names.map((name) => makers[name]())
  const ready = async () => ({ ready: true, faults: [] })
  const gateway = await createGateway({
    ...{ callers, faces: services, topics, ready },
    ...reporting,
  })
  const { port } = await gateway.listen({ host: '127.0.0.1', port: 0 })
  let stopping: Promise<void> | undefined
  const stop = async () => {
    await gateway.close()
    await Promise.all(services.map((service) => service.stop()))
    await topics.close()
  }
  const stopOnce = () => {
    stopping ??= stop()
    return stopping
  }
  onTestFinished(stopOnce)
  return { url: `http://127.0.0.1:${port}`, stop: stopOnce }
}

/** Waits until every group has read all there is. */
export function untilRead(pool: Pool, withinMs = 20_000): Promise<void> {
  return untilNone(() => unreadIn(pool), withinMs)
}

/** Waits until every group has read all there is, and no order and no request waits for anything. */
export function untilSettled(pool: Pool, withinMs = 20_000): Promise<void> {
  return untilNone(async () => [...(await unreadIn(pool)), ...(await pendingIn(pool))], withinMs)
}

function untilNone(waiting: () => Promise<readonly string[]>, withinMs: number): Promise<void> {
  return until(async () => {
    const found = await waiting()
    if (found.length > 0) throw new Error(`waiting: ${found.slice(0, 20).join(', ')}`)
    return true
  }, withinMs)
}

/** In words; the groups that have not begun to read included. */
async function unreadIn(pool: Pool): Promise<string[]> {
  const positions = await listPositions(pool)
  const groups = new Set(positions.map(({ group }) => group))
  const absent = ['orders', 'billing', 'notifications', 'messages'].filter(
    (one) => !groups.has(one),
  )
  const behind = positions.filter(({ lag }) => lag > 0)
  return [
    ...absent,
    ...behind.map((one) => `${one.group} at ${one.topic}/${one.partition}: ${one.lag}`),
  ]
}

async function pendingIn(pool: Pool): Promise<string[]> {
  const { rows } = await pool.query<{ what: string }>(
    `select 'order ' || id as what from orders where status = 'pending'
      union all select 'request ' || guid from messages where state = 'pending'`,
  )
  return rows.map(({ what }) => what)
}

/** Lets every group read every topic again from its start. */
export async function replayTopics(pool: Pool): Promise<void> {
  for (const { group, topic, partition } of await listPositions(pool)) {
    await resetPosition(pool, { group, topic, partition, to: 0 })
  }
}

/**
 * What is wrong in a settled database, billing's own imbalances included; empty if nothing is.
 * `forged`: the test has told things itself, so that what was told says nothing about services.
 */
export async function faultsIn(pool: Pool, { forged = false } = {}): Promise<readonly object[]> {
  const imbalances = await findImbalances(queryable(pool))
  const { rows } = await pool.query<{ fault: string; id: string }>(selectFaults)
  return [...imbalances, ...rows.filter(({ fault }) => !forged || !fault.startsWith('told: '))]
}

const selectFaults = `
  with settled as (
    select o.id, o.version, o.status, o.total, o.user_id, c.version as charged_version, c.outcome,
           c.amount, c.user_id as charged_to
      from orders o full join charges c on c.order_id = o.id
  ), wanted as (
    select body::jsonb->>'orderId' as order_id, count(distinct command_id) as told,
           count(distinct body::jsonb->>'version') as versions
      from outbox where type = 'charge-wanted' group by 1
  ), notices as (
    select body::jsonb->>'orderId' as order_id, body::jsonb->>'orderVersion' as version,
           count(distinct command_id) as told
      from outbox where type = 'notification-wanted' group by 1, 2
  )
  select 'an order and its charge differ' as fault, id::text as id from settled
   where id is null or version is distinct from charged_version or user_id <> charged_to
      or outcome is distinct from
         case status when 'cancelled' then 'released' else status end
      or amount is distinct from case status when 'cancelled' then 0 else total end
  union all
  select 'told: a version wants its charge, not exactly once', o.id::text
    from orders o left join wanted on order_id = o.id::text
   where told is distinct from o.version or versions is distinct from o.version
  union all
  select 'a settled order without its notification', o.id::text
    from orders o left join notifications n on n.order_id = o.id and n.order_version = o.version
   where o.status in ('paid', 'declined') and n.user_id is distinct from o.user_id
      or o.status = 'paid' and n.kind is distinct from 'happiness'
      or o.status = 'declined' and n.kind is distinct from 'grief'
      or o.status = 'cancelled' and n.id is not null
  union all
  select 'a notification nobody decided about', n.order_id::text
    from notifications n left join decisions d
      on d.order_id = n.order_id and d.version = n.order_version
   where d.outcome is distinct from case n.kind when 'happiness' then 'paid' else 'declined' end
  union all
  select 'told: a notification is wanted by two commands', order_id from notices where told > 1
  union all
  select 'told: not as many notifications as are stored', ''
   where (select count(*) from notices) <> (select count(*) from notifications)
  union all
  select 'a request that the registry knows no answer of', c.id::text
    from commands c
   where c.scope not like '@%' and not exists (
     select from messages m
      where m.scope = c.scope and m.operation = c.operation and m.key = c.key
        and m.response_status = c.status and m.response_body = c.body)
  union all
  select 'parked: ' || reason, id::text from dead_letters`

/** A request that the client does not wait for; its guid. */
export async function askLater(url: string, asked: Asked): Promise<string> {
  const headers = { ...asked.headers, prefer: 'respond-async' }
  const told = await ask(url, { ...asked, headers })
  if (told.answer.status !== 202) throw new Error(`not taken: ${told.answer.body}`)
  return bodyOf(told).guid
}

/** A request as the registry shows it to a caller. */
// biome-ignore lint/suspicious/noExplicitAny: what the members are is what tests are about
export async function messageOf(url: string, guid: string, token?: string): Promise<any> {
  const path = `/messages/${guid}`
  return bodyOf(await ask(url, { method: 'GET', path, ...(token === undefined ? {} : { token }) }))
}

/** A request as the registry shows it when it is pending no more. */
export async function endOf(url: string, guid: string, token?: string) {
  let message = await messageOf(url, guid, token)
  await until(async () => {
    message = await messageOf(url, guid, token)
    return message.state !== 'pending'
  }, 15_000)
  return message
}

/** Opens an account and puts money into it. */
export async function openAccount(url: string, userId: string, amount: number): Promise<void> {
  const told = [await ask(url, { path: '/accounts', body: { userId, name: 'Ann' } })]
  const path = `/accounts/${userId}/deposits`
  if (amount > 0) told.push(await ask(url, { path, key: `first-${userId}`, body: { amount } }))
  if (told.some(({ answer }) => answer.status !== 201)) throw new Error('no account was opened')
}

/** The balance of an account. */
export async function balanceOf(url: string, userId: string): Promise<number> {
  return bodyOf(await ask(url, { method: 'GET', path: `/accounts/${userId}` })).balance
}

/** What a list shows of it, newest first, on its first page. */
// biome-ignore lint/suspicious/noExplicitAny: what the members are is what tests are about
export async function itemsOf(url: string, path: string): Promise<any[]> {
  return bodyOf(await ask(url, { method: 'GET', path })).items
}

/** An order as it is now. */
export async function orderNow(url: string, id: string): Promise<Told> {
  return ask(url, { method: 'GET', path: `/orders/${id}` })
}

/**
 * From now on orders of a thing cannot be placed (`insert`) or changed (`update`), as if a release
 * had a fault; until what it gives back is called.
 */
export async function breakOrders(
  pool: Pool,
  statement: 'insert' | 'update',
  sku: string,
): Promise<() => Promise<void>> {
  await pool.query(`
    create function refuse_order() returns trigger language plpgsql as $$
    begin raise exception 'out of order' using errcode = 'check_violation'; end $$`)
  await pool.query(`
    create trigger broken before ${statement} on orders for each row
      when (new.lines->0->>'sku' = '${sku}') execute function refuse_order()`)
  return async () => void (await pool.query('drop trigger broken on orders'))
}
