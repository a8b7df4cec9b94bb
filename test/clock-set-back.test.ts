import { testDatabase } from '@semel/postgres/testing'
import { expect, it } from 'vitest'
import { ask, bodyOf, freshId, orderOf } from './client.ts'
import { spawnProduct, startProduct, until } from './product.ts'
import { databaseUrl } from './replicas.ts'
import { balanceOf, itemsOf, openAccount } from './saga.ts'

const unsteady = `--import=${new URL('./unsteady-clock.mjs', import.meta.url).href}`

it('a clock that is set back an hour changes no answer, and what is asked then is done once', async () => {
  const env = { DATABASE_URL: databaseUrl(await testDatabase([])) }
  const product = await startProduct({ ...env, NODE_OPTIONS: unsteady })
  const { url } = product
  const userId = freshId()
  await openAccount(url, userId, 2000)
  const [early, late] = ['early', 'late'].map((key) => ({ key, body: orderOf(userId) }))
  const first = await ask(url, early!)
  await settled(url, userId, 1)

  process.kill(product.pid, 'SIGUSR2')
  await until(async () => product.output().includes('the clock is set back'))
  const second = await ask(url, late!)
  const again = [await ask(url, early!), await ask(url, late!)]
  const path = `/orders/${bodyOf(first).id}`
  const body = { version: 1, lines: orderOf(userId, 2).lines }
  const changed = await ask(url, { method: 'PUT', path, key: 'change', body })
  await settled(url, userId, 3)
  await product.stop()
  const steady = await startProduct(env)
  const later = [await ask(steady.url, early!), await ask(steady.url, late!)]
  const check = spawnProduct(env, ['check'])

  const backMs = Date.parse(bodyOf(first).createdAt) - Date.parse(bodyOf(second).createdAt)
  expect(backMs).toBeGreaterThan(50 * 60 * 1000)
  expect([...again, ...later].map(({ answer }) => answer.body)).toEqual(
    [first, second, first, second].map(({ answer }) => answer.body),
  )
  expect(bodyOf(changed)).toMatchObject({ version: 2 })
  expect(await balanceOf(steady.url, userId)).toBe(2000 - 3 * 450)
  expect(await check.exited).toBe(0)
})

/** Waits until nothing of a user is pending, and so many notifications have come. */
async function settled(url: string, userId: string, told: number): Promise<void> {
  await until(async () => {
    const orders = await itemsOf(url, `/orders?userId=${userId}`)
    const notifications = await itemsOf(url, `/notifications?userId=${userId}`)
    return notifications.length === told && orders.every(({ status }) => status !== 'pending')
  })
}
