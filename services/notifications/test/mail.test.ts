import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { type Mail, startSmtp } from '@semel/parts/testing'
import type { Pool } from '@semel/postgres'
import { testDatabase } from '@semel/postgres/testing'
import { SMTPServer } from 'smtp-server'
import { expect, it, onTestFinished, vi } from 'vitest'
import { times } from '../../../test/client.ts'
import { startMail } from '../src/mail.ts'
import { migrations } from '../src/service.ts'
import { smtpMailer } from '../src/smtp.ts'
import { bob, carry, orderId, postgresExecutor, wantedBy } from './wanted.ts'

const patience = { timeout: 15_000, interval: 10 }

it('goes to each user once, with the words of the notification and an id of its own', async () => {
  const { pool } = await testDatabase(migrations)
  const server = await mailServer()
  await mailing(pool, server.port)
  const executor = postgresExecutor(pool)

  await carry(executor, [wantedBy(1, { order: 1 })])
  await carry(executor, [wantedBy(2, { order: 2, userId: bob, kind: 'grief' })])
  await carry(executor, [wantedBy(3, { order: 1 })])
  await vi.waitFor(() => expect(server.mails).toHaveLength(2), patience)

  const { rows } = await pool.query('select id from notifications order by number')
  expect(server.mails).toEqual([
    expect.objectContaining({
      id: `<${rows[0].id}@shop.example>`,
      from: 'Shop <shop@shop.example>',
      subject: 'Your order is paid',
      body: 'Order 1001 is paid: 9.00 EUR.',
    }),
    expect.objectContaining({
      ...{ id: `<${rows[1].id}@shop.example>`, to: [`${bob}@example.org`] },
      subject: 'Your order is declined',
    }),
  ])
})

it('is not sent of what was told before mail was set up', async () => {
  const { pool } = await testDatabase(migrations)
  const executor = postgresExecutor(pool)
  await carry(executor, [wantedBy(1, { order: 1 })])
  const server = await mailServer()
  await mailing(pool, server.port)

  await carry(executor, [wantedBy(2, { order: 2 })])
  await vi.waitFor(() => expect(server.mails).toHaveLength(1), patience)

  expect(server.mails[0]!.body).toContain('Order 1002')
})

it('is late while its server is away, and nothing else is; then all comes in order', async () => {
  const { pool } = await testDatabase(migrations)
  const executor = postgresExecutor(pool)
  const first = await mailServer()
  const { reported } = await mailing(pool, first.port)
  await carry(executor, [wantedBy(1, { order: 1 })])
  // Not only received, but noted: else it is rightly sent again.
  const noted = () => pool.query('select next::integer as next from mail_position')
  await vi.waitFor(async () => expect((await noted()).rows).toEqual([{ next: 2 }]), patience)

  await first.kill()
  for (const n of times(20, (each) => each + 2)) await carry(executor, [wantedBy(n, { order: n })])
  await vi.waitFor(() => expect(reported.length).toBeGreaterThan(1), patience)
  const again = await mailServer(first.port)
  await vi.waitFor(() => expect(again.mails).toHaveLength(20), patience)

  expect(again.mails.map(({ body }) => body)).toEqual(
    times(20, (n) => `Order ${1002 + n} is paid: 9.00 EUR.`),
  )
})

it('loses none when its server is killed over and over; what repeats has the same id', async () => {
  const { pool } = await testDatabase(migrations)
  const executor = postgresExecutor(pool)
  let server = await mailServer()
  await mailing(pool, server.port)
  const received: Mail[] = []

  for (const round of times(4, (n) => n)) {
    await carry(
      executor,
      times(30, (n) => wantedBy(round * 30 + n, { order: round * 30 + n })),
    )
    await vi.waitFor(() => expect(server.mails.length).toBeGreaterThan(3), patience)
    await server.kill()
    received.push(...server.mails)
    server = await mailServer(server.port)
  }
  const ids = () => new Set([...received, ...server.mails].map(({ id }) => id))
  await vi.waitFor(() => expect(ids().size).toBe(120), patience)

  const { rows } = await pool.query('select id from notifications')
  expect(ids()).toEqual(new Set(rows.map(({ id }) => `<${id}@shop.example>`)))
})

it('that one mailbox does not take, now or ever, holds up no other', async () => {
  const { pool } = await testDatabase(migrations)
  const executor = postgresExecutor(pool)
  const server = await mailServer()
  let now = new Date('2026-01-01T00:00:00Z')
  const addressOf: Record<string, string> = { [orderId(1)]: 'nobody', [orderId(2)]: 'full' }
  const { reported } = await mailing(pool, server.port, { addressOf, clock: () => now })

  await carry(
    executor,
    [1, 2, 3].map((n) => wantedBy(n, { order: n })),
  )
  await vi.waitFor(() => expect(server.mails).toHaveLength(1), patience)
  const meanwhile = server.mails.map(({ body }) => body)
  now = new Date('2026-01-01T00:01:00Z')
  await vi.waitFor(() => expect(server.mails).toHaveLength(2), patience)

  expect(meanwhile).toEqual([expect.stringContaining('Order 1003')])
  expect(server.mails[1]).toMatchObject({ to: ['full@example.org'] })
  expect(reported).toEqual([expect.objectContaining({ code: 'mail-refused' })])
})

it.each([
  ['no credentials', ''],
  ['wrong ones', 'shop:wrong@'],
])(
  'is late, and none is given up, while a server is shown %s; then all is sent',
  async (_, who) => {
    const { pool } = await testDatabase(migrations)
    const executor = postgresExecutor(pool)
    const { port, bodies } = await guardedServer('shop', 'right')
    const stranger = await mailing(pool, port, { who })
    await carry(
      executor,
      [1, 2].map((n) => wantedBy(n, { order: n })),
    )
    await vi.waitFor(() => expect(stranger.reported.length).toBeGreaterThan(1), patience)
    await stranger.stop()

    const { reported } = await mailing(pool, port, { who: 'shop:right@' })
    await vi.waitFor(() => expect(bodies).toHaveLength(2), patience)

    expect(bodies[0]).toContain('Order 1001')
    expect(bodies[1]).toContain('Order 1002')
    expect(String(stranger.reported[0])).toMatch(/Authentication|Invalid login/i)
    expect(String(stranger.reported)).not.toContain('wrong')
    expect(reported).toEqual([])
  },
)

it('is sent by one process at a time, and by the next when that one ends', async () => {
  const { pool, anotherPool } = await testDatabase(migrations)
  const executor = postgresExecutor(pool)
  const server = await mailServer()
  const senders = await Promise.all(
    [pool, anotherPool(), anotherPool()].map((each) => mailing(each, server.port)),
  )

  for (const [round, sender] of senders.entries()) {
    await carry(
      executor,
      times(20, (n) => wantedBy(round * 20 + n, { order: round * 20 + n })),
    )
    await vi.waitFor(() => expect(server.mails.length).toBe(20 * (round + 1)), patience)
    if (round < 2) await sender.stop()
  }

  expect(new Set(server.mails.map(({ id }) => id)).size).toBe(60)
})

async function mailing(
  pool: Pool,
  port: number,
  {
    addressOf = {},
    who = '',
    clock,
  }: { addressOf?: Readonly<Record<string, string>>; who?: string; clock?: () => Date } = {},
) {
  const mailerTo = (to: string) =>
    smtpMailer({ url: `smtp://${who}127.0.0.1:${port}`, from: 'Shop <shop@shop.example>', to })
  const usual = mailerTo('{userId}@example.org')
  const mailers = new Map(
    Object.entries(addressOf).map(([order, name]) => [order, mailerTo(`${name}@example.org`)]),
  )
  const reported: unknown[] = []
  const mail = startMail({
    pool,
    mailer: {
      send: (notification) => (mailers.get(notification.orderId) ?? usual).send(notification),
      close: () => {
        for (const mailer of [usual, ...mailers.values()]) mailer.close()
      },
    },
    report: (error) => reported.push(error),
    ...{ everyMs: 10, backOffMaxMs: 200 },
    ...(clock === undefined ? {} : { clock }),
  })
  onTestFinished(() => mail.stop())
  const begun = async () => {
    const { rowCount } = await pool.query('select from mail_position')
    expect(rowCount).toBe(1)
  }
  await vi.waitFor(begun, patience)
  return { reported, stop: mail.stop }
}

/** A server that takes mail of one user alone. */
async function guardedServer(user: string, password: string) {
  const bodies: string[] = []
  const server = new SMTPServer({
    disabledCommands: ['STARTTLS'],
    onAuth({ username, password: shown }, _session, done) {
      if (username === user && shown === password) return done(null, { user })
      return done(new Error('Authentication failed'))
    },
    onData(stream, _session, done) {
      text(stream).then((mail) => {
        bodies.push(mail)
        done()
      }, done)
    },
  })
  server.on('error', () => {})
  const listener = server.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  onTestFinished(() => void server.close())
  return { port: (listener.address() as AddressInfo).port, bodies }
}

async function mailServer(port = 0) {
  const server = await startSmtp({ port })
  onTestFinished(server.kill)
  return server
}
