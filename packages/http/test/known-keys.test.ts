import { memoryDatabase, memoryStore } from '@semel/commands/memory'
import { describe, expect, it } from 'vitest'
import { gate } from './notebook.ts'
import { day, key, noteId, openWithCallers as open } from './notebook-client.ts'
import { ann } from './tokens.ts'

/** Rows 5 to 8 of the table in the design: keys that were used before. First match wins. */

describe('row 5: a key whose answer is no longer kept', () => {
  it('gets 410 with the place of what it made', async () => {
    const { write, milk, time } = await open()
    await write(key('k'), milk)
    time.now = new Date(time.now.getTime() + day)

    const answer = await write(key('k'), milk)

    expect([answer.statusCode, answer.name]).toEqual([410, 'key-expired'])
    expect(answer.headers.location).toBe(`/notes/${noteId}`)
  })

  it('gets 410 without a place where there is nothing, or nothing to be seen', async () => {
    const { write, erase, milk, time } = await open()
    await write(key('k'), milk)
    await erase()(key('e'))
    time.now = new Date(time.now.getTime() + day)

    const answer = await write(key('k'), milk)

    expect(answer.statusCode).toBe(410)
    expect(answer.headers.location).toBeUndefined()
  })

  it('gets 410 also for another body, lenient or not, valid or not', async () => {
    const { write, milk, time } = await open()
    await write(key('k'), milk)
    time.now = new Date(time.now.getTime() + day)

    const lenient = { ...key('k'), prefer: 'handling=lenient' }

    expect((await write(key('k'), { ...milk, text: 'eggs' })).statusCode).toBe(410)
    expect((await write(lenient, milk)).statusCode).toBe(410)
    expect((await write(key('k'), { ...milk, text: 1 })).statusCode).toBe(410)
  })

  it('is never executed again, also when the answer was swept away', async () => {
    const { write, milk, time, store, rows } = await open()
    await write(key('k'), { ...milk, id: undefined })
    time.now = new Date(time.now.getTime() + 2 * day)
    await store.sweep({ replayableBefore: time.now, decidedBefore: new Date(0), batchSizeMax: 9 })

    expect((await write(key('k'), { ...milk, id: undefined })).statusCode).toBe(410)
    expect(rows()).toEqual({ commands: 1, notes: 1 })
  })
})

describe('row 6: a key that was used for something else', () => {
  it('gets 422, and changes nothing', async () => {
    const { write, milk, notes } = await open()
    await write(key('k'), milk)

    const answer = await write(key('k'), { ...milk, text: 'eggs' })

    expect([answer.statusCode, answer.name]).toEqual([422, 'key-reused'])
    expect(notes()[0]?.text).toBe('milk')
  })

  it('gets the first answer with handling=lenient, and is told so', async () => {
    const { write, milk } = await open()
    const first = await write(key('k'), milk)

    const lenient = { ...key('k'), prefer: 'handling=lenient' }
    const answer = await write(lenient, { ...milk, text: 'eggs' })

    expect(answer.rawPayload).toEqual(first.rawPayload)
    expect(answer.headers['preference-applied']).toBe('handling=lenient')
    expect(answer.headers['idempotent-replayed']).toBe('true')
  })

  it('is no other request when only its spelling differs', async () => {
    const { write, milk } = await open()
    await write(key('k'), milk)

    const spelled = `{ "text":"\\u006dilk", "userId":"${ann}", "id":"${noteId}" }`
    const answer = await write(key('"k"'), spelled)

    expect(answer.statusCode).toBe(201)
    expect(answer.headers['idempotent-replayed']).toBe('true')
    expect(answer.headers['preference-applied']).toBeUndefined()
  })

  it('is another request with another If-Match or another version', async () => {
    const { write, rewrite, milk } = await open()
    await write({}, milk)
    await rewrite({ ...key('k'), 'if-match': '"1"' }, { text: 'eggs' })

    expect((await rewrite({ ...key('k'), 'if-match': '"2"' }, { text: 'eggs' })).statusCode).toBe(
      422,
    )
    expect((await rewrite(key('k'), { text: 'eggs', version: 1 })).statusCode).toBe(422)
  })

  it('cannot be made the same by a body that spells the parts of another request', async () => {
    const { write, rewrite, milk } = await open()
    await write({}, milk)
    await rewrite({ ...key('k'), 'if-match': '"1"' }, { text: 'eggs' })

    const posing = await rewrite(key('k'), { text: 'eggs', ifMatch: ['"1"'] })
    const nested = await rewrite(key('k'), { text: 'eggs', id: noteId, ifMatch: ['"1"'] })

    expect([posing.name, nested.name]).toEqual(['key-reused', 'key-reused'])
  })
})

describe('row 7: a key that is known', () => {
  it('gets the first answer byte for byte, marked, whatever has happened since', async () => {
    const { write, rewrite, erase, milk } = await open()
    const first = await write(key('k'), milk)
    await rewrite(key('r'), { version: 1, text: 'eggs' })
    await erase()(key('e'))

    const again = await write(key('k'), milk)

    expect(again.statusCode).toBe(first.statusCode)
    expect(again.rawPayload).toEqual(first.rawPayload)
    for (const name of ['content-type', 'location', 'etag', 'idempotency-expires']) {
      expect(again.headers[name], name).toBe(first.headers[name])
    }
    expect(first.headers['idempotent-replayed']).toBeUndefined()
    expect(again.headers['idempotent-replayed']).toBe('true')
  })

  it('gets it before any look at versions', async () => {
    const { write, rewrite, milk } = await open()
    await write({}, milk)
    const first = await rewrite(key('k'), { version: 1, text: 'eggs' })
    await rewrite(key('l'), { version: 2, text: 'bread' })

    const again = await rewrite(key('k'), { version: 1, text: 'eggs' })

    expect([first.statusCode, again.statusCode]).toEqual([200, 200])
    expect(again.json().text).toBe('eggs')
  })

  it('gets a refusal again, though it would be accepted by now', async () => {
    const { write, rewrite, milk } = await open()
    const first = await rewrite(key('k'), { version: 1, text: 'eggs' })
    await write({}, milk)

    const again = await rewrite(key('k'), { version: 1, text: 'eggs' })

    expect([first.statusCode, again.statusCode]).toEqual([404, 404])
    expect(again.rawPayload).toEqual(first.rawPayload)
    expect(again.headers['content-type']).toBe('application/problem+json')
  })

  it('has one answer for a key and another for an id of the same text', async () => {
    const { write, rows } = await open()
    const body = { userId: ann, text: 'milk' }

    await write(key(noteId), body)
    const byId = await write({}, { ...body, id: noteId })

    expect(byId.statusCode).toBe(201)
    expect(byId.headers['idempotent-replayed']).toBeUndefined()
    expect(rows().commands).toBe(2)
  })

  it('answers repeats that come at once with one decision', async () => {
    const { write, milk, rows } = await open()

    const answers = await Promise.all(Array.from({ length: 50 }, () => write(key('k'), milk)))

    expect(new Set(answers.map(({ payload }) => payload)).size).toBe(1)
    expect(
      answers.filter(({ headers }) => headers['idempotent-replayed'] === undefined),
    ).toHaveLength(1)
    expect(rows()).toEqual({ commands: 1, notes: 1 })
  })
})

describe('row 8: a key that is being decided', () => {
  it('gets 409 with Retry-After beyond the wait, and the answer later', async () => {
    const { opened, open: letIn } = gate()
    const memory = memoryStore(memoryDatabase())
    const store: typeof memory = {
      ...memory,
      transaction: async (work) => opened.then(() => memory.transaction(work)),
    }
    const { write, milk } = await open({ executor: { store, joinWaitMaxMs: 1 } })
    // Either of the two may lead; the other is told first.
    const both = [write(key('k'), milk), write(key('k'), milk)]

    const early = await Promise.race(both)
    letIn()

    expect([early.statusCode, early.name]).toEqual([409, 'in-flight'])
    expect(early.headers['retry-after']).toBe('1')
    expect((await Promise.all(both)).map(({ statusCode }) => statusCode).sort()).toEqual([201, 409])
    expect((await write(key('k'), milk)).headers['idempotent-replayed']).toBe('true')
  })
})
