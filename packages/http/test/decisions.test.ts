import { describe, expect, it } from 'vitest'
import { day, key, noteId, openWithCallers as open } from './notebook-client.ts'
import { bob } from './tokens.ts'

/** Rows 9 to 12 of the table in the design: versions, and what was decided. First match wins. */

describe('row 9: a change of no named version', () => {
  it.each([
    ['nothing', {}],
    ['If-Match: *', { 'if-match': '*' }],
    ['a weak tag', { 'if-match': 'W/"1"' }],
  ])('gets 428 with %s', async (_, headers) => {
    const { write, rewrite, milk, rows } = await open()
    await write({}, milk)

    const answer = await rewrite({ ...key('k'), ...headers }, { text: 'eggs' })

    expect([answer.statusCode, answer.name]).toEqual([428, 'version-required'])
    expect(rows().commands).toBe(1)
  })

  it('gets 400 for If-Match that is no list of tags', async () => {
    const { rewrite, write, milk } = await open()

    const answer = await rewrite({ ...key('k'), 'if-match': '1' }, { text: 'eggs' })
    const unasked = await write({ ...key('k'), 'if-match': '"1"' }, milk)

    expect(answer.json().errors).toMatchObject([{ in: 'header', pointer: '/If-Match' }])
    expect(unasked.statusCode).toBe(400)
  })

  it('gets key-reused where the key is known', async () => {
    const { write, rewrite, milk } = await open()
    await write({}, milk)
    await rewrite(key('k'), { version: 1, text: 'eggs' })

    expect((await rewrite(key('k'), { text: 'eggs' })).statusCode).toBe(422)
  })

  it('gets request-invalid where there is more amiss', async () => {
    const { rewrite } = await open()

    expect((await rewrite(key('k'), { text: '' })).statusCode).toBe(400)
  })

  it('may erase without a version, but not with weak tags alone: what is asked is never dropped', async () => {
    const { write, erase, milk } = await open()
    await write({}, milk)

    expect((await erase()({ ...key('w'), 'if-match': 'W/"1"' })).statusCode).toBe(428)
    expect((await erase()({ ...key('a'), 'if-match': '*' })).statusCode).toBe(200)
  })
})

describe('row 10: a version that is no longer', () => {
  it('gets 409 for the body, 412 for If-Match, with the current version', async () => {
    const { write, rewrite, erase, milk } = await open()
    await write({}, milk)
    await rewrite(key('r'), { version: 1, text: 'eggs' })

    const byBody = await rewrite(key('a'), { version: 1, text: 'x' })
    const byTag = await rewrite({ ...key('b'), 'if-match': '"1"' }, { text: 'x' })
    const byQuery = await erase('?version=1')(key('c'))

    expect(byBody.json()).toEqual({
      type: '/problems/note-changed',
      title: 'the note was changed',
      status: 409,
      code: 7,
      currentVersion: 2,
    })
    expect(byTag.json()).toMatchObject({ status: 412, currentVersion: 2 })
    expect([byTag.statusCode, byQuery.statusCode]).toEqual([412, 409])
  })

  it('is checked both ways where both are given: both must hold', async () => {
    const { write, rewrite, milk } = await open()
    await write({}, milk)

    const tagHolds = await rewrite({ ...key('a'), 'if-match': '"1"' }, { version: 2, text: 'x' })
    const versionHolds = await rewrite(
      { ...key('b'), 'if-match': '"2"' },
      { version: 1, text: 'x' },
    )
    const both = await rewrite({ ...key('c'), 'if-match': '"9", "1"' }, { version: 1, text: 'x' })

    expect([tagHolds.statusCode, versionHolds.statusCode, both.statusCode]).toEqual([409, 412, 200])
  })
})

describe('row 11: what is decided against', () => {
  it('tells the place of a taken id to its owner alone', async () => {
    const { write, milk, tokens } = await open()
    await write(key('k'), milk)

    const own = await write(key('l'), { ...milk, text: 'eggs' })
    const foreign = await write(key('l'), { ...milk, userId: bob }, tokens.bob)

    expect([own.statusCode, own.headers.location]).toEqual([409, `/notes/${noteId}`])
    expect([foreign.statusCode, foreign.headers.location]).toEqual([409, undefined])
    expect(foreign.payload).toBe(own.payload)
  })

  it('carries what every answer of a command carries', async () => {
    const { rewrite, time } = await open()

    const { headers } = await rewrite(key('k'), { version: 1, text: 'eggs' })

    expect(headers['cache-control']).toBe('no-store')
    expect(headers['idempotency-expires']).toBe(new Date(time.now.getTime() + day).toUTCString())
  })
})

describe('row 12: what is decided for', () => {
  it('gets 201 with its place and its tag', async () => {
    const { write, milk, time } = await open()

    const { statusCode, headers } = await write(key('k'), milk)

    expect(statusCode).toBe(201)
    expect(headers).toMatchObject({
      'content-type': 'application/json; charset=utf-8',
      location: `/notes/${noteId}`,
      etag: '"1"',
      'cache-control': 'no-store',
      'idempotency-expires': new Date(time.now.getTime() + day).toUTCString(),
      'x-content-type-options': 'nosniff',
    })
  })

  it('gets 200 for the very same note under another key', async () => {
    const { write, milk } = await open()
    await write({}, milk)

    const answer = await write(key('k'), milk)

    expect(answer.statusCode).toBe(200)
    expect(answer.headers.location).toBeUndefined()
    expect(answer.headers['idempotent-replayed']).toBeUndefined()
  })

  it('gets 500 for a bug of ours: told to the operator, not to the client, and kept by nobody', async () => {
    const { write, rewrite, milk, errors, rows } = await open()
    await write({}, milk)

    const answer = await rewrite(key('k'), { version: 1, text: 'break' })
    const again = await rewrite(key('k'), { version: 1, text: 'eggs' })

    expect([answer.statusCode, answer.name]).toEqual([500, 'internal-error'])
    expect(answer.payload).not.toMatch(/secret|stack|\.ts/)
    expect(errors).toHaveLength(1)
    expect(again.statusCode).toBe(200)
    expect(rows().commands).toBe(2)
  })
})
