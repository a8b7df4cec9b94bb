import { expect, test } from 'vitest'
import { createMetrics } from '../src/metrics.ts'

test('what took as long as a bound is counted with what took less', async () => {
  const { requests, text } = createMetrics()

  for (const seconds of [0.004, 0.005, 0.5, 60]) {
    requests.requestAnswered('GET', '/orders', 200, seconds)
  }
  requests.requestAnswered('GET', undefined, 404, 0.001)

  const shown = (await text()).split('\n').filter((line) => line.includes('"/orders"'))
  const under = (bound: string) => shown.find((line) => line.includes(`le="${bound}"`))
  expect(under('0.005')).toMatch(/^semel_http_request_duration_seconds_bucket\{.*\} 2$/)
  expect([under('0.25'), under('10'), under('+Inf')].map((line) => line?.at(-1))).toEqual([
    '2',
    '3',
    '4',
  ])
  expect(shown.slice(-2)).toEqual([
    expect.stringMatching(/_sum\{.*\} 60\.509$/),
    expect.stringMatching(/_count\{method="GET",route="\/orders",status="2xx"\} 4$/),
  ])
  expect(await text()).toContain('_count{method="GET",route="none",status="4xx"} 1')
})

test('caches and the pool are asked about themselves when somebody asks', async () => {
  const metrics = createMetrics()
  const counts = { hits: 0, misses: 2, ignored: 0, errors: 0, skipped: 1 }
  const pool = { totalCount: 3, idleCount: 1, waitingCount: 0 }
  metrics.watchCache('redis', { counts: () => counts, isConnected: () => true })
  metrics.watchPool(pool)

  await metrics.text()
  counts.hits = 7
  pool.waitingCount = 9
  const text = await metrics.text()

  expect(text).toContain('semel_cache_results_total{cache="redis",result="hits"} 7\n')
  expect(text).toContain('semel_cache_connected{cache="redis"} 1\n')
  expect(text).toContain('semel_postgres_connections{state="busy"} 2\n')
  expect(text).toContain('semel_postgres_waiting 9\n')
})
