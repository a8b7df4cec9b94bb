import { query, Type } from '@semel/contract'
import { expect, it } from 'vitest'
import { createIdentify, createServer, mountQuery } from '../src/index.ts'

const getQueue = query({
  name: 'get-queue',
  summary: 'Get the queue',
  path: '/queue',
  answer: {
    description: 'The queue.',
    headers: { 'retry-after': 'Seconds to wait.' },
    body: Type.Object({ length: Type.Integer({ examples: [3] }) }),
  },
})

async function ask(headers: Record<string, string>) {
  const answer = async () => ({ body: { length: 3 }, headers })
  const queries = [mountQuery(getQueue, answer)]
  const reported: unknown[] = []
  const server = await createServer({
    faces: [{ name: 'queues', commands: [], queries, ready: async () => {} }],
    identify: createIdentify({ kind: 'none' }),
    ready: async () => ({ ready: true, faults: [] }),
    report: (error) => reported.push(error),
  })
  const told = await server.inject({ method: 'GET', url: '/queue' })
  const document = (await server.inject({ method: 'GET', url: '/openapi.json' })).json()
  await server.close()
  return { told, document, reported }
}

it('carries the headers that its contract declares, and documents them', async () => {
  const { told, document } = await ask({ 'retry-after': '1' })

  expect([told.statusCode, told.headers['retry-after']]).toEqual([200, '1'])
  expect(told.headers['cache-control']).toBe('private, no-cache')
  expect(document.paths['/queue'].get.responses[200].headers).toEqual({
    'retry-after': { description: 'Seconds to wait.', schema: { type: 'string' } },
  })
})

it('carries no header that its contract does not declare: that is a bug of ours', async () => {
  const { told, reported } = await ask({ 'retry-after': '1', 'set-cookie': 'a=b' })

  expect(told.statusCode).toBe(500)
  expect(told.headers['set-cookie']).toBeUndefined()
  expect(reported).toMatchObject([{ message: 'get-queue declares no header set-cookie' }])
})
