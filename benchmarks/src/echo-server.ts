import Fastify from 'fastify'
import { tellPort } from './server-process.ts'

/** (a) What Node and Fastify can do at all: parse a body, send it back. No database, no check. */

const app = Fastify()
app.post('/orders', (request, reply) => reply.code(201).send(request.body))
const address = await app.listen({ host: '127.0.0.1', port: 0 })
tellPort(Number(new URL(address).port), () => app.close())
