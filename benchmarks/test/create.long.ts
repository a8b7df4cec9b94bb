import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type Report, sections } from '../src/report.ts'
import { bench } from './run-bench.ts'

describe('npm run bench -- create', () => {
  it('measures every part that can be measured here, and finds nothing lost or doubled', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'semel-bench-test-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    const out = join(folder, 'report.json')

    const ended = await bench('create', '--quick', '--connections', '16', '--out', out)

    expect(ended.code, ended.stdout + ended.stderr).toBe(0)
    const report: Report = JSON.parse(await readFile(out, 'utf8'))
    expect(report.faults).toEqual([])
    const isWrkHere = report.driver === 'wrk'
    const expected = sections.filter((section) => isWrkHere || section !== 'autocannon')
    expect([...new Set(report.rows.map(({ section }) => section))]).toEqual(expected)
    expect(report.checks).toBe(report.rows.flatMap(({ samples }) => samples).length)
    expect(report.rows.flatMap(({ samples }) => samples).every(({ rate }) => rate > 0)).toBe(true)
    expect(ended.stdout).toContain('all passed')
  }, 180_000)

  it('tells how it is used, and refuses what it does not know', async () => {
    const helped = await bench('--help')
    const refused = await bench('create', '--only', 'everything')

    expect(helped).toMatchObject({ code: 0, stdout: expect.stringContaining('examples') })
    expect(refused.code).toBe(1)
    expect(refused.stderr).toMatch(/^bench: --only: "everything" is none of connections/)
  })
})
