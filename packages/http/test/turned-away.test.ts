import { type Executor, Unavailable } from '@semel/commands'
import { memoryDatabase, memoryStore } from '@semel/commands/memory'
import { Type } from 'typebox'
import { describe, expect, it } from 'vitest'
import type { MountedCommand } from '../src/index.ts'
import { key, openWithCallers as open, otherId } from './notebook-client.ts'
import { ann, bearer, bob } from './tokens.ts'

type Decided = Extract<MountedCommand, { executor: Executor }>

/** Rows 1 to 4 of the table in the design: answers that nothing is executed for. First match wins. */

describe('row 1: a caller who is not known', () => {
  it('gets 401 before anything else is looked at', async () => {
    const { write, rows } = await open()

    const answer = await write(key('a,b'), '{', '')

    expect([answer.statusCode, answer.name]).toEqual([401, 'unauthenticated'])
    expect(answer.headers['www-authenticate']).toBe('Bearer')
    expect(rows().commands).toBe(0)
  })

  it('gets 401 for a key that was answered before', async () => {
    const { write, milk } = await open()
    await write(key('k'), milk)

    expect((await write(key('k'), milk, 'Bearer x.y.z')).statusCode).toBe(401)
  })

  it('gets 401 from queries, too', async () => {
    const { send } = await open()

    expect((await send('GET', '/notes')({}, undefined, '')).statusCode).toBe(401)
    expect((await send('GET', '/notes/none')({}, undefined, '')).statusCode).toBe(401)
  })
})

describe('row 2: a request that does not say what it should', () => {
  it('gets key-malformed before its body is looked at', async () => {
    const { write } = await open()

    const answer = await write(key('a,b'), '{')

    expect([answer.statusCode, answer.name]).toEqual([400, 'key-malformed'])
    expect(answer.json().errors).toMatchObject([{ in: 'header', pointer: '/Idempotency-Key' }])
  })

  it('gets request-invalid for a body that is no JSON, key or no key', async () => {
    const { write } = await open()

    expect((await write(key('k'), '{')).name).toBe('request-invalid')
    expect((await write({}, '{')).name).toBe('request-invalid')
  })

  it('gets 415 for a body of another type, 413 for one that is too large', async () => {
    const { write } = await open()
    const large = JSON.stringify({ userId: ann, text: 'x'.repeat(64 * 1024) })

    expect((await write({ ...key('k'), 'content-type': 'text/plain' }, 'x')).statusCode).toBe(415)
    expect((await write(key('k'), large)).statusCode).toBe(413)
  })

  it('gets key-missing where no key is given and no id was made', async () => {
    const { write, rewrite, rows } = await open()

    const written = await write({}, { userId: ann, text: 'milk' })
    const rewritten = await rewrite({}, { version: 1, text: 'milk' })

    expect([written.statusCode, written.name]).toEqual([400, 'key-missing'])
    expect(rewritten.name).toBe('key-missing')
    expect(rows()).toEqual({ commands: 0, notes: 0 })
  })

  it('needs no key where the client made the id, and is the same request again', async () => {
    const { write, milk, rows } = await open()

    const first = await write({}, milk)
    const again = await write({}, milk)

    expect([first.statusCode, again.statusCode]).toEqual([201, 201])
    expect(again.rawPayload).toEqual(first.rawPayload)
    expect(again.headers['idempotent-replayed']).toBe('true')
    expect(rows()).toEqual({ commands: 1, notes: 1 })
  })

  it('is told every fault, each with a pointer to it', async () => {
    const { write } = await open()

    const answer = await write(key('k'), { userId: 'ann', text: '', colour: 'red' })

    expect(answer.statusCode).toBe(400)
    expect(
      answer
        .json()
        .errors.map(({ pointer }: { pointer: string }) => pointer)
        .sort(),
    ).toEqual(['/colour', '/text', '/userId'])
  })

  it('is invalid whoever it is about: 400 comes before 403', async () => {
    const { write } = await open()

    expect((await write(key('k'), { userId: bob, text: '' })).statusCode).toBe(400)
  })

  it('gets the first answer where a stricter release refuses what was taken before', async () => {
    const { write, milk, face } = await open()
    await write(key('k'), milk)
    const [{ contract, executor }] = face.commands as [Decided]
    const Short = Type.String({ maxLength: 1 })
    const input = Type.Object({ ...contract.input.properties, text: Short })
    const stricter = { ...face, commands: [{ contract: { ...contract, input }, executor }] }
    const upgraded = await open({ server: { faces: [stricter] } })

    expect((await upgraded.write(key('k'), milk)).statusCode).toBe(201)
    expect((await upgraded.write(key('l'), milk)).statusCode).toBe(400)
  })

  it('gets key-reused for an invalid body under a known key: the key is looked up first', async () => {
    const { write, milk } = await open()
    await write(key('k'), milk)

    expect((await write(key('k'), { text: 1 })).name).toBe('key-reused')
    expect((await write({ ...key('k'), prefer: 'handling=lenient' }, [])).statusCode).toBe(201)
    expect((await write(key('other'), { text: 1 })).name).toBe('request-invalid')
  })
})

describe('row 2: If-Match that cannot be honoured', () => {
  it('is refused where the command does not look at versions, key or no key', async () => {
    const { write, milk, rows } = await open()
    const errors = [{ in: 'header', pointer: '/If-Match' }]

    for (const tags of ['"1"', 'W/"1"', '*', '1']) {
      for (const headers of [{}, key('k')]) {
        const answer = await write({ ...headers, 'if-match': tags }, { ...milk })
        expect(answer.json(), tags).toMatchObject({ status: 400, errors })
      }
      const withoutId = await write({ 'if-match': tags }, { userId: ann, text: 'milk' })
      expect(withoutId.json(), tags).toMatchObject({ status: 400, errors })
    }
    expect(rows().commands).toBe(0)
  })

  it.each([
    ['a tag', '"1"'],
    ['no list of tags', '1'],
  ])('is another request under a known key: %s', async (_, tags) => {
    const { write, milk, rows } = await open()
    const first = await write(key('k'), milk)
    const asked = { ...key('k'), 'if-match': tags }

    expect((await write(asked, milk)).name).toBe('key-reused')

    const lenient = await write({ ...asked, prefer: 'handling=lenient' }, milk)
    expect(lenient.rawPayload).toEqual(first.rawPayload)
    expect(rows()).toEqual({ commands: 1, notes: 1 })
  })

  it.each(['*', 'W/"1"'])(
    'asks for no version with %s, and gets the first answer',
    async (tags) => {
      const { write, milk } = await open()
      const first = await write(key('k'), milk)

      const again = await write({ ...key('k'), 'if-match': tags }, milk)

      expect(again.headers['idempotent-replayed']).toBe('true')
      expect(again.rawPayload).toEqual(first.rawPayload)
    },
  )

  it('is another request where the command honours it, but it is no list of tags', async () => {
    const { write, rewrite, milk } = await open()
    await write({}, milk)
    await rewrite({ ...key('k'), 'if-match': '"1"' }, { text: 'eggs' })

    expect((await rewrite({ ...key('k'), 'if-match': '1' }, { text: 'eggs' })).name).toBe(
      'key-reused',
    )
    expect((await rewrite({ 'if-match': '1' }, { text: 'eggs' })).name).toBe('request-invalid')
  })

  it('gets the first answer where an earlier release honoured it', async () => {
    const { write, rewrite, milk, face } = await open()
    await write({}, milk)
    await rewrite({ ...key('k'), 'if-match': '"1"' }, { text: 'eggs' })
    const [, { contract, executor }] = face.commands as [Decided, Decided]
    const later = { contract: { ...contract, ifMatch: false }, executor }
    const upgraded = await open({ server: { faces: [{ ...face, commands: [later] }] } })

    const ask = (named: string) =>
      upgraded.rewrite({ ...key(named), 'if-match': '"1"' }, { text: 'eggs' })

    expect((await ask('k')).headers['idempotent-replayed']).toBe('true')
    expect((await ask('l')).name).toBe('request-invalid')
  })
})

describe('row 3: a caller who may not', () => {
  it('gets 403 for another user in the body, before the decider is asked', async () => {
    const { write, rows } = await open()

    const answer = await write(key('k'), { userId: bob, text: 'milk' })

    expect([answer.statusCode, answer.name]).toEqual([403, 'forbidden'])
    expect(rows().commands).toBe(0)
  })

  it('gets 403 for another user in a query', async () => {
    const { send } = await open()

    expect((await send('GET', `/notes?userId=${bob}`)()).statusCode).toBe(403)
    expect((await send('GET', `/notes?userId=${ann}`)()).statusCode).toBe(200)
  })

  it("gets 404 for another's note, as for none", async () => {
    const { write, get, send, rewrite, milk, tokens } = await open()
    await write({}, milk)

    const foreign = await get({}, undefined, tokens.bob)
    const none = await send('GET', `/notes/${otherId}`)({}, undefined, tokens.bob)
    const change = await rewrite(key('k'), { version: 1, text: 'eggs' }, tokens.bob)

    expect(foreign.statusCode).toBe(404)
    expect(foreign.rawPayload).toEqual(none.rawPayload)
    expect([change.statusCode, change.name]).toEqual([404, 'note-unknown'])
  })

  it('gets 403 before a replay', async () => {
    const { write, tokens } = await open()
    const body = { userId: bob, text: 'milk' }
    await write(key('k'), { userId: ann, text: 'milk' })

    expect((await write({ ...key('k'), prefer: 'handling=lenient' }, body)).statusCode).toBe(403)
    expect((await write(key('k'), body, tokens.bob)).statusCode).toBe(201)
  })

  it('never meets the key of another', async () => {
    const { write, tokens, rows } = await open()

    const first = await write(key('k'), { userId: ann, text: 'milk' })
    const other = await write(key('k'), { userId: bob, text: 'eggs' }, tokens.bob)

    expect([first.statusCode, other.statusCode]).toEqual([201, 201])
    expect(other.json()).toMatchObject({ userId: bob, text: 'eggs' })
    expect(rows()).toEqual({ commands: 2, notes: 2 })
  })

  it('never gets the answer of a caller with another role or name of the same spelling', async () => {
    const { write } = await open()
    const operator = await bearer(ann, { role: 'operator' })
    const body = { userId: ann, text: 'milk' }

    await write(key('k'), body)
    const asOperator = await write(key('k'), body, operator)

    expect(asOperator.statusCode).toBe(201)
    expect(asOperator.headers['idempotent-replayed']).toBeUndefined()
  })
})

describe('row 4: no room, or no database', () => {
  it('gets 503 with Retry-After when the queue is full: nothing was executed', async () => {
    const { write, milk, rows } = await open({ executor: { queueMax: 0 } })

    const answer = await write(key('k'), milk)

    expect([answer.statusCode, answer.name]).toEqual([503, 'unavailable'])
    expect(answer.json().effect).toBe('none')
    expect(Number(answer.headers['retry-after'])).toBeGreaterThanOrEqual(1)
    expect(rows().commands).toBe(0)
  })

  it.each(['none', 'unknown'] as const)(
    'tells the effect of a failed commit: %s',
    async (effect) => {
      const store = memoryStore(memoryDatabase())
      const transaction = async () => {
        throw new Unavailable(effect, new Error('connection to 10.0.0.1 lost'))
      }
      const { write, milk } = await open({ executor: { store: { ...store, transaction } } })

      const answer = await write(key('k'), milk)

      expect(answer.json()).toMatchObject({ status: 503, effect })
      expect(answer.payload).not.toContain('10.0.0.1')
    },
  )

  it('comes behind row 3', async () => {
    const { write } = await open({ executor: { queueMax: 0 } })

    expect((await write(key('k'), { userId: bob, text: 'milk' })).statusCode).toBe(403)
  })
})
