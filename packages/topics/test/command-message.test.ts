import { guidOf, makeCommand } from '@semel/commands'
import { type AnyCommandContract, Type } from '@semel/contract'
import {
  carries,
  commandMessage,
  commandOfMessage,
  declaredTypes,
  type Received,
  reactsTo,
  readMessage,
} from '@semel/topics'
import { describe, expect, it } from 'vitest'
import { delivered } from './array-transport.ts'
import { ann, eating, fill, fillJar, jarBroken, jarId, sweetsEaten } from './jars.ts'

const time = new Date('2026-01-01T12:00:00Z')
const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'

describe('a message that carries a command', () => {
  it('is the same message however often the command is sent, and another for another body', () => {
    const sent = commandMessage(fillJar, fill('one', 1), { source: 'gate', time })
    const again = commandMessage(fillJar, fill('one', 1), { source: 'gate', time: new Date(0) })
    const other = commandMessage(fillJar, fill('one', 2), { source: 'gate', time })

    expect(sent).toMatchObject({
      ...{ topic: 'jar', type: 'fill-jar', partitionKey: jarId, source: 'gate', scope: ann },
      body: { key: 'h:one', input: { id: jarId, amount: 1 } },
    })
    expect(sent.id).toBe(guidOf(fill('one', 1)))
    expect(again.id).toBe(sent.id)
    expect(other.id).not.toBe(sent.id)
  })

  it('gives back the very command: identity, fingerprint, input as sent, trace and time', () => {
    const input = { id: jarId.toUpperCase(), amount: 1 }
    const command = makeCommand(fillJar, {
      ...{ scope: ann, key: 'h:one', input, receivedAt: time, traceparent },
    })

    const message = delivered(commandMessage(fillJar, command, { source: 'gate', time }))
    const back = commandOfMessage(fillJar, readMessage(message) as Received)

    expect(message.partitionKey).toBe(jarId)
    expect(back).toEqual(command)
  })

  it('goes nowhere where its contract names no topic', () => {
    const direct: AnyCommandContract = { ...(fillJar as AnyCommandContract), topic: undefined }

    expect(() => commandMessage(direct, fill('one', 1), { source: 'gate', time })).toThrow('topic')
    expect(() => carries(direct)).toThrow('topic')
    expect(declaredTypes({ commands: [direct] })).toEqual([])
  })

  it('is only recalled without the version that its contract requires', () => {
    const strict = carries({ ...(fillJar as AnyCommandContract), requiresVersion: true })
    const message = delivered(commandMessage(fillJar, fill('one', 1), { source: 'gate', time }))

    const reading = strict.toCommand(readMessage(message) as Received, 'jars')

    expect(reading).toMatchObject({ kind: 'recall', faults: [{ pointer: '/input/version' }] })
  })
})

describe('a forged command message', () => {
  it.each([
    ['of another user', '-/user:0193d5a1-6f00-7000-8000-00000000000a', 'recall'],
    ['of the user', `-/user:${jarId}`, 'command'],
    ['of an operator', '-/operator:ann', 'command'],
  ])('about a user, in the name %s, is judged as at the edge', (_, scope, kind) => {
    const message = delivered(commandMessage(fillJar, fill('one', 1), { source: 'gate', time }))
    const body = JSON.parse(message.body)
    const forged = {
      ...message,
      scope,
      body: JSON.stringify({ ...body, input: { ...body.input, userId: jarId } }),
    }
    const laxer = {
      ...(fillJar as AnyCommandContract),
      input: Type.Object({ userId: Type.String() }),
    }

    const reading = carries(laxer).toCommand(readMessage(forged) as Received, 'jars')

    expect(reading.kind).toBe(kind)
  })
})

describe('an event', () => {
  it('becomes a command of the service that told it, under its reader and its own id', () => {
    const id = crypto.randomUUID()
    const message = { ...eating(id, 3), traceparent }

    const reading = reactsTo(sweetsEaten).toCommand(readMessage(message) as Received, 'jars')

    expect(reading).toMatchObject({
      kind: 'command',
      command: {
        ...{ scope: '@kitchen', operation: 'sweets-eaten', key: `jars:${id}`, traceparent },
        ...{ input: { jarId, amount: 3 }, receivedAt: time },
      },
    })
  })

  it('has one fingerprint, however much of it its reader knows', () => {
    const read = (event: typeof sweetsEaten) => {
      const message = eating('018f0000-0000-7000-8000-00000000000a', 3, { flavour: 'mint' })
      const reading = reactsTo(event).toCommand(readMessage(message) as Received, 'jars')
      return reading.kind === 'command' ? reading.command : undefined
    }
    const older = jarBroken as unknown as typeof sweetsEaten

    const [now, before] = [read(sweetsEaten), read({ ...older, type: 'sweets-eaten' })]

    expect(before?.input).toEqual({ jarId })
    expect(before?.fingerprint).toEqual(now?.fingerprint)
  })

  it.each([
    'nonsense',
    `00-${'0'.repeat(32)}-b7ad6b7169203331-01`,
    traceparent.replace(/^00/, 'ff'),
  ])('is read without a trace that is none: %s', (none) => {
    const message = { ...eating(crypto.randomUUID(), 3), traceparent: none }

    expect(readMessage(message)).not.toHaveProperty('traceparent')
  })
})
