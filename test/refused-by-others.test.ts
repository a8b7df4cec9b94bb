import { testDatabase } from '@semel/postgres/testing'
import { expect, it } from 'vitest'
import { ask, freshId, orderOf, type Told } from './client.ts'
import { refusalsOf } from './load.ts'
import { startProduct } from './product.ts'
import { databaseUrl } from './replicas.ts'

it('what a load counts as refused says who has refused it, a line for each reason', async () => {
  const { url } = await startProduct({ DATABASE_URL: databaseUrl(await testDatabase([])) })
  const body = { ...orderOf(freshId()), lines: [] }
  const bySemel = await Promise.all([1, 2].map((n) => ask(url, { key: `key-${n}`, body })))
  const unreachable = { type: '/problems/unavailable', title: 'not now', effect: 'unknown' }

  const refusals = refusalsOf({
    refused: new Map(
      [
        ...bySemel,
        told(503, 'application/problem+json; charset=utf-8', JSON.stringify(unreachable)),
        told(404, 'text/plain; charset=utf-8', '404 page not found\n'),
        told(502, null, 'Bad Gateway'),
      ].map((one, index) => [`${index}`, one]),
    ),
  })

  expect(refusals).toEqual({
    '400 /problems/request-invalid of Semel: the request is invalid': 2,
    '503 /problems/unavailable of Semel, effect unknown: not now': 1,
    '404, not of Semel: 404 page not found': 1,
    '502, not of Semel: Bad Gateway': 1,
  })
})

function told(status: number, type: string | null, body: string): Told {
  return {
    answer: { status, headers: { 'content-type': type }, body },
    ...{ replayed: false, retryAfter: null },
  }
}
