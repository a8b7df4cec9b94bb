import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { createLifecycle } from '../src/lifecycle.ts'

test('what was opened last is ended first, one after the other', async () => {
  const events: string[] = []
  const lifecycle = createLifecycle()
  for (const name of ['database', 'engine', 'server']) {
    lifecycle.defer(name, async () => {
      events.push(`${name} ends`)
      await Promise.resolve()
      events.push(`${name} ended`)
    })
  }

  const stopped = await lifecycle.stop()

  expect(stopped).toEqual({ open: [], faults: [] })
  expect(events).toEqual(
    ['server', 'engine', 'database'].flatMap((name) => [`${name} ends`, `${name} ended`]),
  )
})

test('everything is ended once, however often a stop is asked for', async () => {
  let ends = 0
  const lifecycle = createLifecycle()
  lifecycle.defer('server', async () => {
    ends += 1
  })

  const [first, second] = await Promise.all([lifecycle.stop(), lifecycle.stop()])

  expect(second).toBe(first)
  expect(await lifecycle.stop()).toBe(first)
  expect(ends).toBe(1)
})

test('one that fails to end does not keep the others open', async () => {
  let isEnded = false
  const lifecycle = createLifecycle()
  lifecycle.defer('database', async () => {
    isEnded = true
  })
  lifecycle.defer('server', () => Promise.reject(new Error('out of luck')))

  expect(await lifecycle.stop()).toEqual({ open: [], faults: ['server: out of luck'] })
  expect(isEnded).toBe(true)
})

test('one that hangs is named, and those below it are ended within the limit', async () => {
  let isEnded = false
  const lifecycle = createLifecycle({ drainLimitMs: 100 })
  lifecycle.defer('database', async () => {
    isEnded = true
  })
  lifecycle.defer('server', () => new Promise(() => {}))

  expect(await lifecycle.stop()).toEqual({ open: ['server'], faults: [] })
  expect(isEnded).toBe(true)
})

test('what is being opened while the stop begins is ended too, and the start ends there', async () => {
  const events: string[] = []
  const lifecycle = createLifecycle()
  let finish = (_: string) => {}
  const start = () =>
    new Promise<string>((resolve) => {
      finish = resolve
    })
  const opened = lifecycle.open('database', start, async (name) => {
    events.push(`${name} ended`)
  })
  const refused = expect(opened).rejects.toMatchObject({ code: 'stopping' })

  const stopped = lifecycle.stop()
  finish('pg')

  await refused
  expect(await stopped).toEqual({ open: [], faults: [] })
  expect(events).toEqual(['pg ended'])
  const late = lifecycle.open('server', start, () => Promise.resolve())
  await expect(late).rejects.toMatchObject({ code: 'stopping' })
})

test('what could not be opened is not ended, and says why', async () => {
  const lifecycle = createLifecycle()
  const start = () => Promise.reject(new Error('no disk'))

  const opened = lifecycle.open('database', start, () => Promise.reject(new Error('never')))

  await expect(opened).rejects.toThrow('no disk')
  expect(await lifecycle.stop()).toEqual({ open: [], faults: [] })
})

test.each(['SIGINT', 'SIGTERM'] as const)(
  '%s ends everything, and the exit code is 0',
  async (signal) => {
    const { child, lines } = await spawnProcess('at-once')

    child.kill(signal)

    expect(await exitCode(child)).toBe(0)
    expect(lines()).toEqual(['started', `${signal}: stopping`, 'server ended', 'database ended'])
  },
)

test('a second signal right after the first does not cut the drain short', async () => {
  const { child, lines } = await spawnProcess('on-line')

  child.kill('SIGTERM')
  await expect.poll(lines).toContain('SIGTERM: stopping')
  child.kill('SIGTERM')
  child.kill('SIGINT')
  child.stdin!.write('done\n')

  expect(await exitCode(child)).toBe(0)
  expect(lines()).toContain('database ended')
})

test('another signal after two seconds is meant: it exits with 1 and says what is open', async () => {
  const { child, lines } = await spawnProcess('never')
  child.kill('SIGTERM')

  const again = setInterval(() => child.kill('SIGINT'), 100)
  onTestFinished(() => clearInterval(again))

  expect(await exitCode(child)).toBe(1)
  expect(lines().at(-1)).toBe('not stopped in time, still open: database, server')
})

test('a drain beyond its limit ends with 1 and says what is open', async () => {
  const { child, lines } = await spawnProcess('never', 200)

  child.kill('SIGTERM')

  expect(await exitCode(child)).toBe(1)
  expect(lines()).toEqual([
    'started',
    'SIGTERM: stopping',
    'database ended',
    'not stopped in time, still open: server',
  ])
})

test('a stop that failed ends with 1 and says why', async () => {
  const { child, lines } = await spawnProcess('failing')

  child.kill('SIGTERM')

  expect(await exitCode(child)).toBe(1)
  expect(lines()).toContain('not stopped cleanly: server: out of luck')
})

async function spawnProcess(ending: string, drainLimitMs?: number) {
  const script = join(import.meta.dirname, 'lifecycle-process.ts')
  const limit = drainLimitMs === undefined ? [] : [String(drainLimitMs)]
  const child = spawn(process.execPath, [script, ending, ...limit], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  let text = ''
  child.stdout.on('data', (chunk: Buffer) => {
    text += chunk
  })
  const lines = () => text.trim().split('\n')
  await expect.poll(lines, { timeout: 10_000 }).toContain('started')
  return { child, lines }
}

async function exitCode(child: ChildProcess): Promise<number | null> {
  const [code] = await once(child, 'close')
  return code
}
