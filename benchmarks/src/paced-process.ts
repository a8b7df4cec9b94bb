import { Agent, request } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { orderBody, userOf } from './order-body.ts'
import type { PacedLoad, PacedLoaded } from './paced.ts'

/** The process of `paced.ts`: puts on one load, tells its parent what came of it, and ends. */

const load: Omit<PacedLoad, 'rate'> & { rate?: number } = JSON.parse(process.argv[2]!)
const { port, connections, seconds, run, rate } = load
const agent = new Agent({ keepAlive: true, maxSockets: connections })
const latenciesMs: number[] = []
let non2xx = 0
let errors = 0

const startedAtMs = Date.now()
const startMs = performance.now()
await (rate === undefined ? closedLoop() : openLoop(rate))
const tookSeconds = (performance.now() - startMs) / 1000
agent.destroy()
const sorted = latenciesMs.toSorted((one, other) => one - other)
const percentile = (share: number) => sorted[Math.floor((sorted.length - 1) * share)] ?? 0
process.send!({
  startedAtMs,
  rate: latenciesMs.length / tookSeconds,
  p50Ms: percentile(0.5),
  p99Ms: percentile(0.99),
  answered: latenciesMs.length,
  non2xx,
  errors,
} satisfies PacedLoaded)
process.disconnect()

async function openLoop(perSecond: number): Promise<void> {
  const all = Math.max(1, Math.round(perSecond * seconds))
  const asked: Promise<void>[] = []
  while (asked.length < all) {
    const due = Math.floor(((performance.now() - startMs) / 1000) * perSecond) + 1
    while (asked.length < Math.min(due, all)) {
      const dueMs = startMs + (asked.length / perSecond) * 1000
      asked.push(place(asked.length + 1, dueMs))
    }
    await delay(1)
  }
  await Promise.all(asked)
}

async function closedLoop(): Promise<void> {
  const endMs = startMs + seconds * 1000
  let count = 0
  const ask = async () => {
    while (performance.now() < endMs) {
      count += 1
      await place(count, performance.now())
    }
  }
  await Promise.all(Array.from({ length: connections }, ask))
}

function place(number: number, sinceMs: number): Promise<void> {
  const body = orderBody(number, userOf(number, load.isSkewed))
  const headers = {
    'content-type': 'application/json',
    'content-length': body.length,
    'idempotency-key': `${run}-${number}`,
  }
  return new Promise((resolve) => {
    const asked = request({ port, agent, method: 'POST', path: '/orders', headers })
    asked.on('error', () => {
      errors += 1
      resolve()
    })
    asked.on('response', (response) => {
      response.resume().on('end', () => {
        if (response.statusCode === 201) latenciesMs.push(performance.now() - sinceMs)
        else non2xx += 1
        resolve()
      })
    })
    asked.end(body)
  })
}
