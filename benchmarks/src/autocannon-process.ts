import autocannon from 'autocannon'
import type { Load, Loaded } from './load.ts'

/** The process of `autocannon.ts`: puts on one load, tells its parent what came of it, and ends. */

const { port, connections, seconds, run }: Load = JSON.parse(process.argv[2]!)

const body = JSON.stringify({
  userId: '00000000-0000-4000-a000-000000000001',
  lines: [
    { sku: 'tea-1', quantity: 2, unitPrice: 1250 },
    { sku: 'cup-1', quantity: 1, unitPrice: 900 },
  ],
})

const result = await autocannon({
  url: `http://127.0.0.1:${port}/orders`,
  connections,
  duration: seconds,
  method: 'POST',
  headers: { 'content-type': 'application/json', 'idempotency-key': `${run}-[<id>]` },
  body,
  // Writes another id in place of [<id>] with every request, in the header too.
  idReplacement: true,
})

const answered = result['2xx']
process.send!({
  rate: answered / result.duration,
  p50Ms: result.latency.p50,
  p99Ms: result.latency.p99,
  answered,
  non2xx: result.non2xx,
  errors: result.errors,
} satisfies Loaded)
process.disconnect()
