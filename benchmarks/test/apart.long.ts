import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describeWithKafka } from '@semel/parts/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { countedOf, latencyOf, type SagaLeft, tookOf } from '../src/saga-left.ts'
import { apartRows, apartTargets, type SagaReport } from '../src/saga-report.ts'
import { bench, benchIn } from './run-bench.ts'

describeWithKafka('npm run bench -- apart', () => {
  it('settles the same load in one process and in five, and finds every invariant kept', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'semel-bench-test-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    const out = join(folder, 'report.json')

    const ended = await bench('apart', '--quick', '--connections', '16', '--out', out)

    expect(ended.code, ended.stdout + ended.stderr).toBe(0)
    const report: SagaReport = JSON.parse(await readFile(out, 'utf8'))
    expect(report.faults).toEqual([])
    expect(report.rows.map(({ name }) => name)).toEqual([...apartRows])
    const samples = report.rows.flatMap((row) => row.samples)
    expect(report.checks).toBe(samples.length + 2)
    expect(samples.every(({ rate, p50Ms }) => rate > 0 && p50Ms > 0)).toBe(true)
  }, 180_000)
})

describe('npm run bench -- apart', () => {
  it('says what it lacks, where there is no Kafka', async () => {
    const cache = await mkdtemp(join(tmpdir(), 'semel-bench-test-'))
    onTestFinished(() => rm(cache, { recursive: true }))

    const out = join(cache, 'report.json')

    const ended = await benchIn({ PARTS_CACHE: cache, CI: 'true' }, 'apart', '--out', out)

    expect(ended.stdout).toContain('skipped: all: no ')
    expect(ended.code).toBe(1)
  }, 180_000)
})

describe('what a run left in tables apart', () => {
  const order = (id: string, status: string, number: number | null) => {
    return { id, version: 1, userId: 'u', status, total: 10, createdMs: 1000, number }
  }
  const charge = (orderId: string, outcome: string) => {
    return { orderId, version: 1, userId: 'u', amount: 10, outcome }
  }
  const notification = (orderId: string, kind: string, toldMs: number) => {
    return { orderId, version: 1, userId: 'u', kind, toldMs }
  }
  const left: SagaLeft = {
    orders: [order('a', 'paid', 1), order('b', 'declined', 2)],
    charges: [charge('a', 'paid'), charge('b', 'declined')],
    notifications: [notification('a', 'happiness', 1500), notification('b', 'grief', 3000)],
    ...{ keys: 2, heldSum: 10, balanceSum: 90, registered: 2, registeredMs: 5000, letters: 0 },
  }

  it('counts as whole what was charged and told as the order says', () => {
    expect(countedOf(left)).toMatchObject({ orders: 2, settled: 2, whole: 2, paidSum: 10 })
  })

  it.each<[string, Partial<SagaLeft>]>([
    ['charged as another amount', { charges: [{ ...charge('a', 'paid'), amount: 9 }] }],
    ['charged to somebody else', { charges: [{ ...charge('a', 'paid'), userId: 'v' }] }],
    ['not charged as it ended', { charges: [charge('a', 'declined')] }],
    ['told wrongly', { notifications: [notification('a', 'grief', 1)] }],
    [
      'told of another version',
      {
        notifications: [{ ...notification('a', 'happiness', 1), version: 2 }],
      },
    ],
  ])('does not count an order that was %s', (_, wrong) => {
    expect(countedOf({ ...left, orders: [order('a', 'paid', 1)], ...wrong }).whole).toBe(0)
  })

  it('takes time from the first arrival, and at a rate from when a request was due', () => {
    expect(tookOf(left)).toEqual({ settledSeconds: 2, registeredSeconds: 4 })
    expect(latencyOf(left)).toEqual({ p50Ms: 500, p99Ms: 500 })
    expect(latencyOf(left, { startedAtMs: 400, rate: 1 })).toEqual({ p50Ms: 1100, p99Ms: 1100 })
  })
})

describe('the target of apart', () => {
  it('is a share of what one process settles in the same run', () => {
    const row = (name: 'saga' | 'apart', rate: number) => {
      return { name, samples: [{ rate, p50Ms: 1, p99Ms: 2 }] }
    }

    expect(apartTargets([row('saga', 1000), row('apart', 399)])[0]?.met).toBe(false)
    expect(apartTargets([row('saga', 1000), row('apart', 400)])[0]?.met).toBe(true)
    expect(apartTargets([row('saga', 1000)])).toEqual([])
  })
})
