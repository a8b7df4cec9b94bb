import { validate } from '@semel/contract'
import { announceAll, announcing, type Ending, messageAnswered } from '@semel/contracts/messages'
import { describe, expect, it } from 'vitest'

/** What the registry keeps of a body, at most. */
const answerBytesMax = 256 * 1024
const guid = 'd41d8cd9-8f00-8204-a980-0998ecf8427e'
const scope = '-/user:4c1e8a52-6f0b-4f0e-9d0a-2f8e5f6d7c10'
const command = { operation: 'cancel-order', key: 'h:k', scope, sent: { id: 'X', version: 1 } }

function endedWith(text: string, more: Partial<Ending> = {}): Ending {
  const answer = { status: 200, headers: { etag: '"1-paid"' }, body: Buffer.from(text) }
  return { guid, command, carried: false, outcome: { kind: 'answered', answer }, ...more }
}

describe('what is told of an ended command', () => {
  it('is its request as it was sent, and its answer to the byte', () => {
    const told = announceAll(endedWith('{"b":1,"a":"é"}'))

    expect(told).toEqual({
      ...{ topic: 'message', type: 'message-answered', partitionKey: guid },
      body: {
        ...{ guid, operation: 'cancel-order', key: 'h:k', scope, request: { id: 'X', version: 1 } },
        outcome: 'answered',
        response: { status: 200, headers: { etag: '"1-paid"' }, body: '{"b":1,"a":"é"}' },
      },
    })
    expect(validate(messageAnswered.body, told?.body)).toEqual([])
  })

  it.each(['key-reused', 'key-expired'] as const)('is no answer where its key was %s', (kind) => {
    const told = announceAll(endedWith('', { outcome: { kind } }))

    expect(told?.body).toMatchObject({ outcome: kind, response: null })
    expect(validate(messageAnswered.body, told?.body)).toEqual([])
  })

  it('leaves out a body that is too long to keep, and says the rest', () => {
    const [longest, tooLong] = [0, 1].map((more) =>
      announceAll(endedWith('x'.repeat(answerBytesMax + more))),
    )

    expect(validate(messageAnswered.body, longest?.body)).toEqual([])
    expect(tooLong?.body).toMatchObject({ response: { status: 200, body: null } })
    expect(validate(messageAnswered.body, tooLong?.body)).toEqual([])
  })

  it('has the seal that was made for it, where one was', () => {
    const [sealed, unsealed] = ['a seal', undefined].map((seal) =>
      announcing('all', () => seal)(endedWith('{}')),
    )

    expect(sealed).toEqual({ ...unsealed, body: { ...(unsealed!.body as object), seal: 'a seal' } })
    expect(validate(messageAnswered.body, sealed?.body)).toEqual([])
    expect(unsealed).toEqual(announceAll(endedWith('{}')))
  })

  it.each(['all', 'topic'] as const)(
    'is nothing where a service asked, registering %s',
    (whose) => {
      const ofService = endedWith('{}', {
        command: { ...command, scope: '@orders' },
        carried: true,
      })

      expect(announcing(whose)(ofService)).toBeUndefined()
    },
  )

  it('is nothing of what came by HTTP, where only topics are registered', () => {
    const carried = endedWith('{}', { carried: true })

    expect(announcing('topic')(endedWith('{}'))).toBeUndefined()
    expect(announcing('topic')(carried)).toEqual(announceAll(carried))
  })
})
