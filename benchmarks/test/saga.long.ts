import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { sagaFaults, violationFaults } from '../src/saga-check.ts'
import { type SagaReport, sagaRows, sagaTargets } from '../src/saga-report.ts'
import { bench } from './run-bench.ts'

const flawless = {
  ...{ orders: 100, keys: 100, settled: 100, notifications: 100, whole: 100, registered: 100 },
  ...{ paidSum: 5000, heldSum: 5000, balanceSum: 1000, letters: 0 },
}
const expected = { answered: 100, unansweredMax: 8 }

describe('npm run bench -- saga', () => {
  it('measures every load, and finds every invariant kept', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'semel-bench-test-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    const out = join(folder, 'report.json')

    const ended = await bench('saga', '--quick', '--connections', '16', '--out', out)

    expect(ended.code, ended.stdout + ended.stderr).toBe(0)
    const report: SagaReport = JSON.parse(await readFile(out, 'utf8'))
    expect(report.faults).toEqual([])
    expect(report.rows.map(({ name }) => name)).toEqual([...sagaRows])
    const samples = report.rows.flatMap((row) => row.samples)
    expect(report.checks).toBe(samples.length + 1)
    expect(samples.every(({ rate, p50Ms }) => rate > 0 && p50Ms > 0)).toBe(true)
    expect(ended.stdout).toContain('all passed')
  }, 180_000)

  it('refuses parts, which it has none of', async () => {
    const refused = await bench('saga', '--only', 'connections')

    expect(refused).toMatchObject({ code: 1, stderr: 'bench: --only: saga has no parts\n' })
  })
})

describe('the check after sagas', () => {
  it('passes where all services agree, and a cut connection may have left an order', () => {
    expect(sagaFaults(flawless, expected, 6000)).toEqual([])
    expect(sagaFaults(flawless, { answered: 92, unansweredMax: 8 }, 6000)).toEqual([])
  })

  it.each([
    ['a lost order', { orders: 99 }, '1 answered orders are lost'],
    ['a doubled order', { orders: 109 }, '109 orders where 108 can have been asked for'],
    ['an order that nobody asked for', { keys: 99 }, '100 orders under 99 keys'],
    ['an order that waits for ever', { settled: 98 }, '2 orders did not settle'],
    ['a user who was not told', { notifications: 99 }, '100 orders, 99 notifications'],
    ['a user who was told something else', { whole: 97 }, '3 orders differ from what was told or'],
    ['money taken twice', { heldSum: 5010 }, 'paid orders come to 5000, accounts hold 5010'],
    ['money that vanished', { balanceSum: 990 }, '6000 were deposited, 5000 are held and 990 left'],
    ['an answer that nobody can look up', { registered: 99 }, '100 orders, 99 answers registered'],
    ['a message set aside', { letters: 1 }, '1 messages were parked'],
  ])('finds %s', (_, wrong, fault) => {
    expect(sagaFaults({ ...flawless, ...wrong }, expected, 6000).join()).toContain(fault)
  })

  it('says what `semel check` finds', () => {
    const fault = { id: 'balance u', is: '5', shouldBe: '6' }
    const about = { name: 'sums', invariant: 'I10', promise: '', unit: '', checked: 1 } as const

    expect(violationFaults([{ ...about, violations: [fault] }])).toEqual([
      `sums (I10): ${JSON.stringify(fault)}`,
    ])
  })
})

describe('the targets of sagas', () => {
  const row = (name: (typeof sagaRows)[number], rate: number, p50Ms: number) => {
    return { name, samples: [{ rate, p50Ms, p99Ms: 9 }] }
  }

  it('are met or missed by medians, beside the careless create of the same run', () => {
    const rows = [row('careless', 1000, 9), row('saga', 1400, 9), row('saga-tenth', 140, 21)]

    expect(sagaTargets(rows)).toMatchObject([
      { value: 1.4, target: 1.5, met: false },
      { value: 21, target: 20, met: false },
    ])
    expect(sagaTargets([row('careless', 1000, 9), row('saga', 1500, 9)])[0]?.met).toBe(true)
  })
})
