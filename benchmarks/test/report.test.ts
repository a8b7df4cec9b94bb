import { describe, expect, it } from 'vitest'
import { readPgbench } from '../src/pgbench.ts'
import { median, type Row, targetsOf } from '../src/report.ts'
import { readWrk } from '../src/wrk.ts'

function row(contender: string, connections: number, rates: number[]): Row {
  const samples = rates.map((rate) => ({ rate, p50Ms: 1, p99Ms: 2 }))
  return { section: 'connections', contender, connections, samples }
}

describe('the report', () => {
  it('takes medians, so that one disturbed round changes nothing', () => {
    expect(median([3000, 10, 3100])).toBe(3000)
    expect(median([1, 2, 3, 10])).toBe(2.5)
  })

  it('compares at the most connections that both were measured with', () => {
    const rows = [
      row('careless', 1, [400]),
      row('careless', 256, [3000, 2900, 3100]),
      row('product', 1, [400]),
      row('product', 256, [15_000, 18_000, 16_500]),
    ]

    const [perRequest, latency] = targetsOf(rows)

    expect(perRequest).toMatchObject({ value: 5.5, target: 4, reach: 6, met: true })
    expect(perRequest!.what).toContain('256 connections')
    expect(latency).toMatchObject({ value: 1, target: 1.2, met: true })
  })

  it('says that a target was missed', () => {
    const rows = [row('careless', 256, [3000]), row('product', 256, [9000])]

    expect(targetsOf(rows)[0]).toMatchObject({ value: 3, met: false })
  })

  it('claims nothing of what was not measured', () => {
    expect(targetsOf([row('product', 256, [9000])])).toEqual([])
  })
})

describe('what the tools print', () => {
  it('is read from wrk', () => {
    const output = `Running 1s test\nresult {"requests":1010,"durationUs":2000000,"p50Us":1500,"p99Us":9000,"non2xx":10,"errors":3}\n`

    expect(readWrk(output)).toEqual({
      rate: 500,
      p50Ms: 1.5,
      p99Ms: 9,
      answered: 1000,
      non2xx: 10,
      errors: 3,
    })
    expect(() => readWrk('unable to connect')).toThrow('wrk told no result')
  })

  it('is read from pgbench', () => {
    const output = [
      'number of transactions actually processed: 26101',
      'latency average = 2.450 ms',
      'tps = 13061.5 (without initial connection time)',
    ].join('\n')

    expect(readPgbench(output)).toEqual({ rate: 13_061.5, meanMs: 2.45, transactions: 26_101 })
    expect(() => readPgbench('')).toThrow('pgbench told no')
  })
})
