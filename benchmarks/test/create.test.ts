import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, inject, it, onTestFinished } from 'vitest'
import { answerFaults, faultsOf, waitUntilQuiet } from '../src/check.ts'
import { runContender } from '../src/contender.ts'
import { openContender } from '../src/contenders.ts'
import { sections } from '../src/report.ts'

const bin = fileURLToPath(new URL('../bin/bench.mjs', import.meta.url))

describe('npm run bench -- create', () => {
  it('measures every part, and finds nothing lost or doubled', async () => {
    const folder = await temporaryFolder()
    const out = join(folder, 'report.json')

    const args = ['create', '--quick', '--seconds', '1', '--connections', '1,32', '--out', out]
    const { code, stdout, stderr } = await run(args)

    expect(code, stdout + stderr).toBe(0)
    const report = JSON.parse(await readFile(out, 'utf8'))
    expect(report.faults).toEqual([])
    expect(report.checks).toBeGreaterThan(10)
  })
})
