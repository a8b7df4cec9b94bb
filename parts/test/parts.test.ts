import { spawnSync } from 'node:child_process'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { describeWithRedis, freePort } from '@semel/parts/testing'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { installParts, type Part, parts, startParts } from '../src/parts.ts'

const bin = join(import.meta.dirname, '../bin/parts.mjs')
const quiet = () => {}

describe('npm run parts', () => {
  it('says of each part where it is or how to get it, and fails when one is missing', async () => {
    const said: string[] = []
    vi.stubEnv('PATH', '/nowhere').stubEnv('JAVA_HOME', '/nowhere')
    onTestFinished(() => void vi.unstubAllEnvs())

    const isAllThere = await installParts(Object.entries(parts), (line) => said.push(line))

    expect(isAllThere).toBe(false)
    expect(said).toEqual([
      'redis  MISSING: no Redis: apt-get install redis-server',
      expect.stringMatching(
        /^kafka {2}MISSING: no Java \(17 or newer\): apt-get install openjdk-17/,
      ),
      'smtp   ok: smtp-server came with npm ci',
    ])
  })

  it.each([
    [['--help'], 0, /npm run parts -- start redis smtp/],
    [['start', 'rabbit'], 1, /there is no part "rabbit" \(known are redis, kafka, smtp\)/],
    [['stop'], 1, /"stop" is not known here/],
  ])('answers %j', (args, code, shown) => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [bin, ...args])

    expect(status).toBe(code)
    expect(`${stdout}${stderr}`).toMatch(shown)
  })

  it('starts nothing when a port is taken, and says which', async () => {
    const taken = await freePort()
    const other = createServer().listen(taken, '127.0.0.1')
    onTestFinished(() => void other.close())
    const started: string[] = []
    const smtp = { ...parts.smtp!, start: async () => void started.push('smtp') as never }

    const starting = startParts(
      [
        ['smtp', { ...smtp, port: await freePort() }],
        ['redis', { ...parts.redis!, port: taken }],
      ],
      quiet,
    )

    await expect(starting).rejects.toThrow(`port ${taken} of 127.0.0.1 is taken`)
    expect(started).toEqual([])
  })
})

describeWithRedis('parts that are started', () => {
  it('tell the environment of who uses them, show what they get, and end together', async () => {
    const [redis, smtp] = await Promise.all([onFreePort('redis'), onFreePort('smtp')])

    const { env, stop } = await startParts([redis, smtp], quiet)
    const taken = await Promise.all([redis, smtp].map(isTaken))
    await stop()

    expect(env).toEqual({
      REDIS_URL: `redis://127.0.0.1:${redis[1].port}`,
      SEAL_SECRET: expect.stringMatching(/.{32}/),
      SMTP_URL: `smtp://127.0.0.1:${smtp[1].port}`,
      MAIL_FROM: expect.stringContaining('@'),
      MAIL_TO: expect.stringContaining('{userId}@'),
    })
    expect(taken).toEqual([true, true])
    expect(await Promise.all([redis, smtp].map(isTaken))).toEqual([false, false])
  })
})

async function onFreePort(name: string): Promise<[string, Part]> {
  return [name, { ...parts[name]!, port: await freePort() }]
}

async function isTaken([, { port }]: [string, Part]): Promise<boolean> {
  const nobody = {
    port,
    install: async () => '',
    start: async () => ({ env: {}, stop: async () => {} }),
  }
  return startParts([['nobody', nobody]], quiet).then(
    () => false,
    () => true,
  )
}
