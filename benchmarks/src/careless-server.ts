import type { EmbeddedConnection } from '@semel/postgres/embedded'
import Fastify, { type FastifyReply } from 'fastify'
import pg from 'pg'
import { carelessStatements as sql } from './careless-sql.ts'
import { tellPort } from './server-process.ts'

/**
 * (b) What an idempotent create is usually made of: a pool, and a transaction of five statements
 * for every request, one after the other. It is correct; it only has not been thought about.
 */

type Body = { userId: string; lines: { quantity: number; unitPrice: number }[] }

type Settings = { connection: EmbeddedConnection; connectionsMax: number }

const { connection, connectionsMax }: Settings = JSON.parse(process.argv[2]!)
const pool = new pg.Pool({ ...connection, max: connectionsMax })
const app = Fastify()

app.post<{ Body: Body }>('/orders', async (request, reply) => {
  const key = String(request.headers['idempotency-key'])
  const client = await pool.connect()
  try {
    await client.query('begin')
    const answer = await createOrder(client, key, request.body)
    await client.query('commit')
    return sendAnswer(reply, answer)
  } catch (error) {
    await client.query('rollback')
    throw error
  } finally {
    client.release()
  }
})

const address = await app.listen({ host: '127.0.0.1', port: 0 })
tellPort(Number(new URL(address).port), () => app.close())

async function createOrder(client: pg.PoolClient, key: string, body: Body) {
  const request = JSON.stringify(body)
  const known = await client.query(sql.findKey, [key])
  if (known.rows.length > 0) {
    const { request: first, status, answer } = known.rows[0]
    return first === request ? { status, answer } : { status: 422, answer: '{}' }
  }
  await client.query(sql.insertKey, [key, request])
  const { userId, lines } = body
  const total = lines.reduce((sum, { quantity, unitPrice }) => sum + quantity * unitPrice, 0)
  const { rows } = await client.query(sql.insertOrder, [userId, JSON.stringify(lines), total])
  const { id, number, status, version, created_at: createdAt } = rows[0]
  const message = JSON.stringify({ orderId: id, version, userId, amount: total })
  await client.query(sql.insertMessage, [id, key, message])
  const order = { id, number, userId, lines, total, status, version, createdAt }
  const answer = JSON.stringify(order)
  await client.query(sql.keepAnswer, [key, 201, answer])
  return { status: 201, answer }
}

function sendAnswer(reply: FastifyReply, { status, answer }: { status: number; answer: string }) {
  return reply.code(status).type('application/json').send(answer)
}
