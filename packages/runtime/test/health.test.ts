import { expect, test } from 'vitest'
import { createReadiness } from '../src/health.ts'

test('ready when every check passes', async () => {
  const readiness = createReadiness([passing('database'), passing('orders')])

  expect(await readiness.ready()).toEqual({ ready: true, faults: [] })
})

test('not ready when one fails, and it says which, without the error’s words', async () => {
  const error = Object.assign(new Error('connect to 10.0.0.1 as root'), { code: 'unavailable' })
  const failing = { name: 'orders', check: () => Promise.reject(error) }
  const throwing = {
    name: 'mail',
    check: () => {
      throw new Error('at once')
    },
  }
  const readiness = createReadiness([passing('database'), failing, throwing])

  expect(await readiness.ready()).toEqual({
    ready: false,
    faults: ['orders: unavailable', 'mail: failed'],
  })
})

test('a thousand questions at once are one check', async () => {
  let runs = 0
  const readiness = createReadiness([counted(() => runs++)])

  await Promise.all(Array.from({ length: 1_000 }, () => readiness.ready()))

  expect(runs).toBe(1)
})

test('a verdict is kept for 250 ms, and asked again afterwards', async () => {
  let runs = 0
  let clockMs = 1_000
  const readiness = createReadiness([counted(() => runs++)], { nowMs: () => clockMs })
  await readiness.ready()

  clockMs += 249
  await readiness.ready()
  expect(runs).toBe(1)

  clockMs += 1
  await readiness.ready()
  expect(runs).toBe(2)
})

test('a check that hangs is a fault in time, and is not started again while it hangs', async () => {
  let runs = 0
  let clockMs = 0
  let release = () => {}
  const hanging = {
    name: 'database',
    check() {
      runs += 1
      return new Promise<void>((resolve) => {
        release = resolve
      })
    },
  }
  const readiness = createReadiness([hanging], { timeoutMs: 10, nowMs: () => clockMs })
  const expected = { ready: false, faults: ['database: no answer within 10 ms'] }

  expect(await readiness.ready()).toEqual(expected)
  clockMs += 1_000
  expect(await readiness.ready()).toEqual(expected)
  expect(runs).toBe(1)

  release()
  clockMs += 1_000
  expect(await readiness.ready()).toEqual({ ready: true, faults: [] })
  clockMs += 1_000
  await readiness.ready()
  expect(runs).toBe(2)
})

test('once it drains it is not ready, whatever the checks say', async () => {
  const readiness = createReadiness([passing('database')])
  await readiness.ready()

  readiness.drain()

  expect(await readiness.ready()).toEqual({ ready: false, faults: ['draining'] })
})

function passing(name: string) {
  return { name, check: () => Promise.resolve() }
}

function counted(count: () => void) {
  return {
    name: 'counted',
    async check() {
      count()
    },
  }
}
