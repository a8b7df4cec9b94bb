import { makeCommand, localOperator } from '@semel/commands'
import { placeOrder } from '@semel/contracts/orders'
import { validate } from '@semel/contract'
import { createOrders } from '@semel/orders'
import { createPool } from '@semel/postgres'
import type { EmbeddedConnection } from '@semel/postgres/embedded'
import Fastify from 'fastify'
import { tellPort } from './server-process.ts'

/** (d) The whole product, as `npm start` assembles it. */

type Settings = { connection: EmbeddedConnection; isCached: boolean }

const { connection, isCached }: Settings = JSON.parse(process.argv[2]!)
const pool = createPool({ connection })
const noCache = { get: async () => new Map(), put: () => undefined }
const orders = createOrders({ pool, currency: 'EUR', ...(isCached ? {} : { executor: { cache: noCache } }) })
const executor = orders.commands[0]!.executor
const app = Fastify()
app.post('/orders', async (request, reply) => {
  const key = `h:${request.headers['idempotency-key']}`
  const input = request.body as object
  const faults = validate(placeOrder.input, input)
  if (faults.length > 0) return reply.code(400).send(faults)
  const command = makeCommand(placeOrder, { scope: localOperator, key, input, receivedAt: new Date() })
  const outcome = await executor.submit(command)
  if (outcome.kind !== 'answered') return reply.code(503).send(outcome)
  const { status, headers, body } = outcome.answer
  return reply.code(status).headers(headers).header('idempotent-replayed', String(outcome.replayed)).send(body)
})
await app.listen({ host: '127.0.0.1', port: 0 })
tellPort(app.server, () => app.close())
