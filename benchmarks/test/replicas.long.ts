import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describeWithRedis } from '@semel/parts/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { runContender } from '../src/contender.ts'
import { openContender } from '../src/contenders.ts'
import { openDatabases } from '../src/databases.ts'
import type { Driver, Load } from '../src/load.ts'
import { nodeDriver } from '../src/paced.ts'
import type { Report } from '../src/report.ts'
import { bench } from './run-bench.ts'

describeWithRedis('npm run bench -- replicas', () => {
  it('repeats to one process what another one did, and finds the answers in Redis', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'semel-bench-test-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    const out = join(folder, 'report.json')
    const part = ['--only', 'repeats-elsewhere', '--connections', '16']

    const ended = await bench('replicas', '--quick', ...part, '--out', out)

    expect(ended.code, ended.stdout + ended.stderr).toBe(0)
    const report: Report = JSON.parse(await readFile(out, 'utf8'))
    expect(report.faults).toEqual([])
    expect(report.checks).toBe(2)
    const [fromDatabase, fromRedis] = report.rows
    expect(fromDatabase!.samples[0]).toMatchObject({ rate: expect.any(Number) })
    expect(fromRedis!.samples[0]!.redis!.hits).toBeGreaterThan(0)
  }, 180_000)
})

describe('several processes on one database', () => {
  it('share a load behind the gateway, and every order is found', async () => {
    const databases = await openDatabases(() => undefined)
    onTestFinished(() => databases.close())
    const options = { databases, driver: nodeDriver, logRows: 0, onFilled: () => undefined }

    // Its warm-up is a run that is checked.
    const behind = await openContender('behind-2', { ...options, warmUpSeconds: 1 })
    await behind.stop()

    expect(behind.ports).toHaveLength(1)
  }, 60_000)

  it('each get an equal share of a load, with keys of their own', async () => {
    const loads: Load[] = []
    const answers = { rate: 10, p50Ms: 1, p99Ms: 2, answered: 5, non2xx: 0, errors: 0 }
    const driver: Driver = {
      name: 'recorder',
      async run(load) {
        loads.push(load)
        return { ...answers, p99Ms: loads.length }
      },
    }
    const databases = await openDatabases(() => undefined)
    onTestFinished(() => databases.close())
    const store = {
      connection: await databases.make('shares'),
      clear: async () => undefined,
      count: async () => ({ orders: 15, keys: 15, whole: 15 }),
    }
    const contender = { ports: [1, 2, 3], store, stop: async () => undefined }

    const wanted = { connections: 64, seconds: 1, run: 'r', keys: 0 }
    const { loaded, faults } = await runContender(databases, contender, driver, wanted)

    expect(loads.map(({ port, connections, run }) => [port, connections, run])).toEqual([
      [1, 21, 'r-0'],
      [2, 21, 'r-1'],
      [3, 21, 'r-2'],
    ])
    expect(loaded).toMatchObject({ rate: 30, answered: 15, p99Ms: 3 })
    expect(faults).toEqual([])
  })
})
