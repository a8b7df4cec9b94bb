import { guidOf } from '@semel/commands'
import { queryable } from '@semel/postgres'
import { preparedPlans, testDatabase } from '@semel/postgres/testing'
import { expect, it } from 'vitest'
import { migrations } from '../src/service.ts'
import { deleteEnded, findAnswers, findMessage, listMessages } from '../src/sql.ts'
import { carry, ended, postgresExecutor, requestOf, seen } from './requests.ts'

it('looks things up by an index, also when it was prepared on an empty table', async () => {
  const { anotherPool } = await testDatabase(migrations)
  const pool = anotherPool({ connectionsMax: 1 })
  const { scope, operation, key, ...request } = requestOf()
  await carry(postgresExecutor(pool), [seen(requestOf())])
  await carry(postgresExecutor(pool), [ended(requestOf(), 200)])
  await findMessage(queryable(pool), { guid: guidOf(request), scope })
  await findAnswers(queryable(pool), { guids: [guidOf(request)], bytesMax: 9 })
  await listMessages(queryable(pool), { scope, operation, keys: [key], below: 9, limit: 9 })
  await deleteEnded(pool, { endedBefore: new Date(0), batchSizeMax: 9 })

  const plans = await preparedPlans(pool)
  const planOf = (wanted: string) => plans.find(({ name }) => name === wanted)?.plan

  expect(plans.filter(({ plan }) => plan.includes('Seq Scan'))).toEqual([])
  // Not just by some index, but by what is asked for.
  expect(planOf('lock-messages')).toMatch(/Index Cond: \(guid = ANY/)
  expect(planOf('delete-ended')).toMatch(/using messages_by_ended_at/)
  expect(planOf('update-messages')).toMatch(/Index Cond: \(guid = changed\.guid\)/)
  expect(planOf('find-answers')).toMatch(/Index Cond: \(guid = ANY/)
  expect(planOf('find-message')).toMatch(/Index Cond: \(guid = /)
  expect(planOf('list-messages')).toMatch(/Index Cond: \(\(scope = .*operation = .*key = ANY/)
})
