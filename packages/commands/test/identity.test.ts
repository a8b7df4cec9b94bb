import {
  commandId,
  fingerprintOf,
  guidOf,
  localOperator,
  makeCommand,
  mayActFor,
  messageId,
  operatorScope,
  parseScope,
  sameInput,
  serviceScope,
  UnknownFingerprintRule,
  userOf,
  userScope,
} from '@semel/commands'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { add, addToCounter, counterId } from './counter.ts'

const user = 'AAAAAAAA-0000-4000-8000-000000000000'
const ann = userScope('-', user)

describe('the identity of a command', () => {
  it('is made of scope, operation and key, and never changes between releases', () => {
    expect(commandId(ann, 'place-order', 'h:one')).toBe('5bd64538-e08f-84ca-b9d2-551b90f93131')
  })

  it('is a UUID of version 8, which no client may make', () => {
    const id = commandId(ann, 'place-order', 'h:one')

    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  })

  it('keeps apart what runs together when written in a row', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.string(), fc.string(), (a, b, c, d) => {
        fc.pre(a !== c || b !== d)
        expect(commandId(ann, a, b)).not.toBe(commandId(ann, c, d))
      }),
    )
    expect(commandId(ann, 'ab', 'c')).not.toBe(commandId(ann, 'a', 'bc'))
  })

  it('needs a scope: code that leaves it out, or makes one up, does not compile', () => {
    const asked = { key: 'h:k', input: {}, receivedAt: new Date(0) }

    // @ts-expect-error: there is no scope
    expect(() => makeCommand(addToCounter, asked)).toThrow()
    // @ts-expect-error: any text is no scope
    makeCommand(addToCounter, { ...asked, scope: 'ann' })
    makeCommand(addToCounter, { ...asked, scope: ann })
  })
})

describe('a fingerprint', () => {
  it('is made of the operation and the input as sent, and never changes between releases', () => {
    const { version, hash } = fingerprintOf('place-order', { b: 1, a: ['x'] })

    expect(version).toBe(1)
    expect(hash.toString('hex')).toBe(
      '7b5205a9b56a65d3e1599ee89907465add02b14035b40cf0f783908e1c11411c',
    )
  })

  it('is the same for the same meaning in other bytes', () => {
    const one = add(ann, 'k', 3)
    const sent = JSON.parse(`{ "amount": 3.0e0, "id": "${counterId}" }`)

    expect(sameInput(one, fingerprintOf('add-to-counter', sent))).toBe(true)
  })

  it('tells another body, and another operation, apart', () => {
    const one = add(ann, 'k', 3)

    expect(sameInput(one, add(ann, 'k', 4).fingerprint)).toBe(false)
    expect(sameInput(one, fingerprintOf('other', one.sent))).toBe(false)
  })

  it('of an unknown rule cannot be compared', () => {
    const { hash } = add(ann, 'k', 3).fingerprint

    expect(() => sameInput(add(ann, 'k', 3), { version: 99, hash })).toThrow(UnknownFingerprintRule)
  })

  it('gives the request its guid: same key and body, same guid; another body, another', () => {
    expect(guidOf(add(ann, 'k', 3))).toBe(guidOf(add(ann, 'k', 3)))
    expect(guidOf(add(ann, 'k', 3))).not.toBe(guidOf(add(ann, 'k', 4)))
  })

  it('is not part of the ids of messages, which follow command, place and decision', () => {
    const { id } = add(ann, 'k', 3)
    const [now, later] = [new Date(0), new Date(1)]

    expect(messageId(id, 0, now)).toBe(messageId(id, 0, new Date(0)))
    expect(messageId(id, 0, now)).not.toBe(messageId(id, 1, now))
    expect(messageId(id, 0, now)).not.toBe(messageId(id, 0, later))
  })
})

describe('a scope', () => {
  const other = 'bbbbbbbb-0000-4000-8000-000000000000'

  it('of a user may act for that user alone, in any letter case', () => {
    expect(mayActFor(ann, user.toLowerCase())).toBe(true)
    expect(mayActFor(ann, user)).toBe(true)
    expect(mayActFor(ann, other)).toBe(false)
    expect(userOf(ann)).toBe(user.toLowerCase())
  })

  it.each([operatorScope('-', 'x'), serviceScope('orders'), localOperator])(
    '%s may act for every user',
    (scope) => {
      expect(mayActFor(scope, user)).toBe(true)
      expect(userOf(scope)).toBeUndefined()
    },
  )

  it('cannot be forged by a subject or a tenant that looks like another', () => {
    const forged = [userScope('local', 'operator'), userScope('-', `${other}/operator:x`)]
    forged.push(userScope('-/operator:x', other), userScope('@orders', other))

    for (const scope of forged) expect(mayActFor(scope, user)).toBe(false)
    expect(userScope('a/b', 'c')).not.toBe(userScope('a', 'b/c'))
  })

  it('is read back as it was written, and nothing else is', () => {
    for (const scope of [ann, operatorScope('https://issuer/', 'x y'), serviceScope('orders')]) {
      expect(parseScope(scope)).toBe(scope)
    }
    for (const text of ['', 'ann', '/user:x', '@', 'a/b/user:x', 'a/admin:x', '@Orders']) {
      expect(() => parseScope(text)).toThrow('not a scope')
    }
  })
})
