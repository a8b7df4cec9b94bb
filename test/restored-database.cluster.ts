import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { ask, bodyOf, freshId, orderOf, type Told, times } from './client.ts'
import { commandsOf, explainFailure, secretOf, succeed, uninstall } from './guide.ts'
import { operatorToken } from './postman.ts'
import { until } from './product.ts'

/** Databases are set back to their backups, by the commands of operate.md. */

const url = 'http://arch.homework'
const deposited = 1_000_000
const tool = commandsOf('operate.md', 'Look inside')

type Sent = Readonly<{
  key: string
  method?: 'PUT' | 'DELETE'
  path?: string
  body?: object
  headers?: Readonly<Record<string, string>>
}>
type Order = Readonly<{ id: string; number: number; status: string; total: number }>

let token: string
let userId: string

beforeAll(async () => {
  await succeed(commandsOf('README.md', 'Install'))
}, 900_000)

beforeEach(async () => {
  userId = freshId()
  token = operatorToken(await secretOf('semel-shared', 'AUTH_JWT_SECRET', 'semel'))
})

afterAll(async () => {
  await uninstall('README.md', ['semel'])
  await succeed('rm -f ./*.dump')
}, 300_000)

it('what clients send again after a restore takes effect once, and money adds up', async () => {
  explainFailure('semel')
  await open()
  const settled = times(8, placing)
  const [edited, cancelled] = (await sendAll(settled)).map((told) => bodyOf(told).id)
  await allSettled(8)
  // While billing is away, what is placed is pending; it is paid behind the back of the backup.
  await succeed('kubectl scale deployment/semel-billing --namespace semel --replicas 0')
  const waiting = times(3, placing)
  await sendAll(waiting)
  await succeed(commandsOf('operate.md', 'Back up'))
  const toldBefore = await sendAll([...settled, ...waiting])
  await succeed('kubectl scale deployment/semel-billing --namespace semel --replicas 2')
  const lost = [
    ...times(5, placing),
    ...[editing(edited, 1, 3), editing(edited, 2, 4)],
    { key: freshId(), method: 'DELETE' as const, path: `/orders/${cancelled}?version=1` },
  ]
  const toldLater = await sendAll(lost)
  await sendAll(times(3, placing).map((sent) => ({ ...sent, headers: notToWait })))
  const paidBefore = await allSettled(19)

  await succeed(`${tool}\n${commandsOf('operate.md', 'Restore')}`)
  const replayed = await sendAll([...settled, ...waiting])
  // Those that a topic carried are there again by themselves.
  await allSettled(14)
  const missing = await versionsLost()
  const again = await sendAll(lost)
  const paidAfter = await allSettled(19)
  const fresh = bodyOf(await send(placing(7)))
  const all = await allSettled(20)

  expect(replayed.map(({ answer }) => answer)).toEqual(toldBefore.map(({ answer }) => answer))
  expect(again.filter((told) => told.replayed)).toEqual([])
  expect(again.map(endOf)).toEqual(toldLater.map(endOf))
  expect(paidAfter.map(endOfOrder)).toEqual(paidBefore.map(endOfOrder))
  expect([missing.length, await versionsLost()]).toEqual([lost.length, []])
  const numbers = [...paidBefore, fresh].map(({ number }) => number)
  expect(Math.max(...numbers)).toBe(fresh.number)
  expect(await balance()).toBe(deposited - sum(all.filter(({ status }) => status === 'paid')))
  await until(async () => (await told(fresh.id)).length === 1)
  // They end by 5 where a check fails.
  await succeed(tool)
}, 900_000)

it('where all databases are set back, what came later is gone until it is sent again', async () => {
  explainFailure('semel')
  await open()
  const early = times(4, placing)
  const [edited, cancelled] = (await sendAll(early)).map((told) => bodyOf(told).id)
  const before = await allSettled(4)
  const balanceBefore = await balance()
  await succeed(commandsOf('operate.md', 'Back up'))
  const toldBefore = await sendAll(early)
  const late = [
    { key: freshId(), path: `/accounts/${userId}/deposits`, body: { amount: 500 } },
    ...times(3, placing),
    editing(edited, 1, 3),
    { key: freshId(), method: 'DELETE' as const, path: `/orders/${cancelled}?version=1` },
  ]
  const toldLater = await sendAll(late)
  const later = await allSettled(7)
  const balanceLater = await balance()

  await succeed(`${tool}\n${commandsOf('operate.md', 'Restore everything')}`)
  // The ingress controller learns a little later that there is a gateway again.
  await until(async () => (await read(`/orders?userId=${userId}`)).answer.status === 200)
  const replayed = await sendAll(early)
  const after = await allSettled(4)
  const missing = await versionsLost()
  const balanceAfter = await balance()
  const again = await sendAll(late)
  const settled = await allSettled(7)

  expect(replayed.map(({ answer }) => answer)).toEqual(toldBefore.map(({ answer }) => answer))
  expect([after.map(endOfOrder), balanceAfter]).toEqual([before.map(endOfOrder), balanceBefore])
  expect(missing).toEqual([])
  expect(again.filter((told) => told.replayed)).toEqual([])
  expect(again.map(endOf)).toEqual(toldLater.map(endOf))
  expect(settled.map(endOfOrder)).toEqual(later.map(endOfOrder))
  await until(async () => (await balance()) === balanceLater)
  await succeed(tool)
}, 900_000)

const notToWait = { prefer: 'respond-async' }

async function open(): Promise<void> {
  await send({ key: freshId(), path: '/accounts', body: { userId, name: 'Ann' } })
  await send({ key: freshId(), path: `/accounts/${userId}/deposits`, body: { amount: deposited } })
}

function placing(index: number): Sent {
  return { key: freshId(), body: orderOf(userId, index + 1) }
}

function editing(id: string, version: number, quantity: number): Sent {
  const { lines } = orderOf(userId, quantity)
  return { key: freshId(), method: 'PUT', path: `/orders/${id}`, body: { version, lines } }
}

async function sendAll(all: readonly Sent[]): Promise<Told[]> {
  const answers: Told[] = []
  for (const sent of all) answers.push(await send(sent))
  return answers
}

async function send(sent: Sent): Promise<Told> {
  const told = await ask(url, { token, ...sent })
  if (told.answer.status >= 300) throw new Error(JSON.stringify(told))
  return told
}

function read(path: string): Promise<Told> {
  return ask(url, { method: 'GET', path, token })
}

/** The orders, in the order of their ids, when there are so many and none is pending. */
async function allSettled(count: number): Promise<readonly Order[]> {
  let orders: Order[] = []
  await until(async () => {
    orders = bodyOf(await read(`/orders?userId=${userId}&limit=100`)).items
    return orders.length === count && orders.every(({ status }) => status !== 'pending')
  }, 60_000).catch((error) => {
    throw new Error(`of ${count} orders: ${JSON.stringify(orders, undefined, 1)}`, { cause: error })
  })
  return orders.toSorted((one, other) => (one.id < other.id ? -1 : 1))
}

/** Versions that billing has decided about, and orders does not know. */
async function versionsLost(): Promise<string[]> {
  const listed = await succeed(commandsOf('operate.md', 'What is lost'))
  return listed.split('\n').filter((line) => line !== '')
}

async function balance(): Promise<number> {
  return bodyOf(await read(`/accounts/${userId}`)).balance
}

async function told(orderId: string): Promise<readonly unknown[]> {
  return bodyOf(await read(`/notifications?orderId=${orderId}`)).items
}

/** Of an answer, what a second decision says again; numbers and times are new. */
function endOf(answered: Told) {
  const { id, version, total, lines } = bodyOf(answered)
  return { status: answered.answer.status, id, version, total, lines }
}

function endOfOrder({ id, status, total }: Order) {
  return { id, status, total }
}

function sum(orders: readonly Order[]): number {
  return orders.reduce((all, { total }) => all + total, 0)
}
