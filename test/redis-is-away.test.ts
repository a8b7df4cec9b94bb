import { isDeepStrictEqual } from 'node:util'
import { migrations } from '@semel/orders'
import { describeWithRedis, freePort, startRedis } from '@semel/parts/testing'
import { testDatabase } from '@semel/postgres/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { ask, freshId, orderOf } from './client.ts'
import { startProduct, until } from './product.ts'
import { databaseUrl } from './replicas.ts'
import { silentPort } from './silent-port.ts'

const SEAL_SECRET = 'a secret of at least thirty-two bytes'

describe('a product whose Redis', () => {
  it.each([
    ['is not there', freePort],
    ['accepts and never answers', silentPort],
  ])('%s starts, answers, answers again, and stops', async (_, portOf) => {
    const REDIS_URL = `redis://127.0.0.1:${await portOf()}`
    const product = await startProduct({ REDIS_URL, SEAL_SECRET })
    const place = { key: 'place', body: orderOf(freshId()) }

    const placed = await ask(product.url, place)
    const repeat = await ask(product.url, place)

    expect(placed.answer.status).toBe(201)
    expect(repeat).toEqual({ ...placed, replayed: true })
    await until(async () => product.output().includes('Redis is left alone'))
    expect(product.output()).not.toContain(SEAL_SECRET)
    expect(await product.stop()).toBe(0)
  })
})

describeWithRedis('two products that share a Redis', () => {
  it('give each other what they answered, and go on when it is killed', async () => {
    const redis = await startRedis()
    onTestFinished(() => redis.kill())
    const database = await testDatabase(migrations)
    const env = { REDIS_URL: redis.url, SEAL_SECRET, DATABASE_URL: databaseUrl(database) }
    const one = await startProduct(env)
    const other = await startProduct(env)

    // On a busy machine a look-up may be late, and then the database is asked, which knows nothing.
    await until(async () => {
      const place = { key: freshId(), body: orderOf(freshId()) }
      const placed = await ask(one.url, place)
      await database.pool.query('delete from commands where key = $1', [`h:${place.key}`])
      const repeat = await ask(other.url, place)
      return isDeepStrictEqual(repeat, { ...placed, replayed: true })
    })
    await redis.kill()
    const late = { key: 'late', body: orderOf(freshId()) }
    const after = await ask(other.url, late)

    expect(after.answer.status).toBe(201)
    expect(await ask(one.url, late)).toEqual({ ...after, replayed: true })
    expect([await one.stop(), await other.stop()]).toEqual([0, 0])
  })
})
