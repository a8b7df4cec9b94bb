import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type Command, guidOf } from '@semel/commands'
import { migrate, type Pool, readMigrations } from '@semel/postgres'
import { testDatabase } from '@semel/postgres/testing'
import { expect, it, onTestFinished } from 'vitest'
import { times } from '../../../test/client.ts'
import { entrySweep } from '../src/retention.ts'
import { migrations } from '../src/service.ts'
import { messageMigrations } from '../src/sql.ts'
import { carry, ended, parked, postgresExecutor, requestOf, seen } from './requests.ts'

it('keeps what was heard: pending, parked, and answered to the byte', async () => {
  const { pool } = await testDatabase(migrations)
  const executor = postgresExecutor(pool)
  const [waiting, aside, unreadable, done] = times(4, (n) => requestOf({ key: `h:${n}` }))

  await carry(executor, [
    ...[seen(waiting!), seen(aside!), parked(aside!), parked(unreadable!, 'no JSON')],
    ...[ended(done!, 409)],
  ])

  const request = '{"version":1,"id":"0193d5a1-6f00-7000-8000-000000000001"}'
  expect(new Set(await rowsOf(pool))).toEqual(
    new Set([
      { guid: guidOf(waiting!), state: 'pending', key: 'h:0', request, status: null, body: null },
      { guid: guidOf(aside!), state: 'parked', key: 'h:1', request, status: null, body: null },
      {
        ...{ guid: guidOf(unreadable!), state: 'parked', key: null, request: null },
        ...{ status: null, body: null },
      },
      {
        ...{ guid: guidOf(done!), state: 'answered', key: 'h:3', request },
        ...{ status: 409, body: '{"nth":2}' },
      },
    ]),
  )
})

it('keeps the answer in place of what was heard before: parked, expired, reused', async () => {
  const { pool } = await testDatabase(migrations)
  const executor = postgresExecutor(pool)
  const requests = times(3, (n) => requestOf({ key: `h:${n}` }))
  const statesOf = async () => (await rowsOf(pool)).map(({ state, body }) => `${state} ${body}`)

  await carry(executor, [
    ...[
      parked(requests[0]!),
      ended(requests[1]!, 'key-expired'),
      ended(requests[2]!, 'key-reused'),
    ],
  ])
  const before = await statesOf()
  await carry(
    executor,
    requests.map((request) => ended(request, 200, 3)),
  )

  expect(before.toSorted()).toEqual(['key-expired null', 'key-reused null', 'parked null'])
  expect(await statesOf()).toEqual(Array(3).fill('answered {"nth":3}'))
})

it('forgets what ended a month ago, however long ago it was asked; no more', async () => {
  const { pool } = await testDatabase(migrations)
  const executor = postgresExecutor(pool)
  const [waiting, aside, late, recent, old] = ['0', '1', '2', '3', '4'].map((n) =>
    requestOf({ key: `h:${n}` }),
  ) as [Command, Command, Command, Command, Command]
  const days = (count: number) => count * 24 * 60 * 60 * 1000
  await carry(executor, [seen(waiting), parked(aside), seen(late), ended(recent, 200)])
  await carry(executor, [ended(old, 200)])
  await pool.query(`update messages set registered_at = registered_at - interval '90 days'`)
  await pool.query(`update messages set ended_at = ended_at - interval '31 days'
                     where guid = '${guidOf(old)}'`)
  await carry(executor, [ended(late, 200)])
  const sweepOf = (ageMs: number) =>
    entrySweep(pool, { rememberedMs: ageMs })(new AbortController().signal)

  await sweepOf(days(32))
  const before = await rowsOf(pool)
  await sweepOf(days(30))
  const after = await rowsOf(pool)
  await carry(executor, [ended(old, 200)])

  expect(before).toHaveLength(5)
  expect(new Set(after.map(({ key }) => key))).toEqual(new Set(['h:0', 'h:1', 'h:2', 'h:3']))
  expect(await rowsOf(pool)).toEqual(after)
})

it('comes to the same when several processes hear everything at once, in batches', async () => {
  const { pool, anotherPool } = await testDatabase(migrations)
  const requests = times(20, (n) => requestOf({ key: `h:${n}` }))
  const heard = [
    requests.map(seen),
    requests.map((request) => ended(request, 200)),
    requests.filter((_, n) => n % 2 === 0).map((request) => parked(request)),
  ]

  await Promise.all(
    [...heard, ...heard.toReversed()].map((commands) =>
      carry(postgresExecutor(anotherPool({ connectionsMax: 2 })), commands),
    ),
  )

  const rows = await rowsOf(pool)
  expect(rows.map(({ guid }) => guid).toSorted()).toEqual(requests.map(guidOf).toSorted())
  expect(new Set(rows.map(({ state, body }) => `${state} ${body}`))).toEqual(
    new Set(['answered {"nth":2}']),
  )
})

it('holds the largest request and the largest answer that are kept', async () => {
  const { pool } = await testDatabase(migrations)
  const request = requestOf({ key: `h:${'k'.repeat(255)}` })
  const command = ended(request, 200)
  const body = JSON.stringify({ text: '"'.repeat(120_000) })
  const large = {
    ...command,
    input: { ...command.input, response: { status: 200, headers: {}, body } },
  }

  await carry(postgresExecutor(pool), [large as typeof command])

  expect((await rowsOf(pool))[0]?.body).toBe(body)
})

it('cannot hold an answer without a state that says so, nor the other way round', async () => {
  const { pool } = await testDatabase(migrations)
  await carry(postgresExecutor(pool), [ended(requestOf(), 200)])

  const unsaid = pool.query(`update messages set state = 'pending'`)
  await expect(unsaid).rejects.toMatchObject({ code: '23514' })
  const unanswered = pool.query('update messages set response_status = null')
  await expect(unanswered).rejects.toMatchObject({ code: '23514' })
})

it('tells refusals from answers also in what an earlier release has kept', async () => {
  const { pool } = await testDatabase([])
  const folder = await mkdtemp(join(tmpdir(), 'migrations-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const [first] = await readMigrations(messageMigrations)
  await writeFile(join(folder, first!.name), first!.sql)
  await migrate(pool, [{ set: messageMigrations.set, folder: pathToFileURL(`${folder}/`) }])
  const problems = ['/problems/key-expired', '/problems/key-reused', '/problems/total-too-large']
  await pool.query(
    `insert into messages (guid, scope, operation, key, state, response_status, response_headers,
                           response_body, registered_at)
     select gen_random_uuid(), 's', 'o', 'k', 'answered', status, '{}',
            json_build_object('type', type), now()
       from unnest($1::integer[], $2::text[]) as kept (status, type)`,
    [[410, 422, 422], problems],
  )

  await migrate(pool, [messageMigrations])

  const rows = await rowsOf(pool)
  expect(rows.map(({ state, body }) => [state, body !== null]).toSorted()).toEqual([
    ['answered', true],
    ['key-expired', false],
    ['key-reused', false],
  ])
})

async function rowsOf(pool: Pool) {
  const { rows } = await pool.query(
    `select guid, state, key, request, response_status as status, response_body as body
       from messages order by guid`,
  )
  return rows as { guid: string; state: string; key: string | null; body: string | null }[]
}
