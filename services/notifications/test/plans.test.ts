import { queryable } from '@semel/postgres'
import { preparedPlans, testDatabase } from '@semel/postgres/testing'
import { expect, it } from 'vitest'
import { migrations } from '../src/service.ts'
import { listNotifications } from '../src/sql.ts'
import { ann, carry, orderId, postgresExecutor, wantedBy } from './wanted.ts'

it('looks things up by an index, also when it was prepared on an empty table', async () => {
  const { anotherPool } = await testDatabase(migrations)
  const pool = anotherPool({ connectionsMax: 1 })
  await carry(postgresExecutor(pool), [wantedBy(1, { order: 1 })])
  const page = { below: 9, limit: 9 }
  const all = { userId: undefined, orderId: undefined }
  await listNotifications(queryable(pool), { ...page, ...all })
  await listNotifications(queryable(pool), { ...page, ...all, userId: ann })
  await listNotifications(queryable(pool), { ...page, ...all, orderId: orderId(1) })

  const plans = await preparedPlans(pool)
  const planOf = (wanted: string) => plans.find(({ name }) => name === wanted)?.plan

  expect(plans.filter(({ plan }) => plan.includes('Seq Scan'))).toEqual([])
  // Not just by some index, but by what is asked for.
  expect(planOf('find-notifications')).toMatch(/Index Cond: \(\(order_id = .*order_version = /)
  expect(planOf('list-user-notifications')).toMatch(/Index Cond: \(\(user_id = .*number < /)
  expect(planOf('list-order-notifications')).toMatch(/Index Cond: \(order_id = /)
  expect(planOf('list-notifications')).toMatch(/Index Cond: \(number < /)
})
