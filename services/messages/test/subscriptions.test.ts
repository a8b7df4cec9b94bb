import { guidOf, serviceScope } from '@semel/commands'
import { commandKeyLengthMax, validate } from '@semel/contract'
import type { Received } from '@semel/topics'
import { describe, expect, it } from 'vitest'
import { requestParked, requestSeen } from '../src/reactions.ts'
import { deadLetterReader, readCommandMessage } from '../src/subscriptions.ts'
import { letterOf, readMessage, requestOf } from './requests.ts'

const request = requestOf()
const { operation, scope, key, sent } = request
const guid = guidOf(request)
const letterReader = deadLetterReader(new Set([operation]))
const readLetter = (message: Received) => letterReader(message, 'messages')
const readCommand = (message: Received) => readCommandMessage(message, 'messages')
const whole = { guid, operation, scope, key, request: sent }

/** The input of the command that a message comes to; else what it comes to. */
function inputOf(reading: ReturnType<typeof readLetter>) {
  return reading.kind === 'command' ? reading.command.input : reading.kind
}

describe('a command message', () => {
  const message = {
    ...readMessage({ type: operation, scope, body: { key, input: sent } }),
    id: guid,
  }

  it('registers its request as pending', () => {
    const reading = readCommand(message)

    expect(reading).toMatchObject({ kind: 'command', command: { operation: 'request-seen' } })
    expect(inputOf(reading)).toEqual(whole)
    expect(validate(requestSeen.input, inputOf(reading))).toEqual([])
  })

  it('registers its request under the longest key that a command may have', () => {
    const longest = `h:${'k'.repeat(commandKeyLengthMax - 2)}`
    const reading = readCommand({ ...message, body: { key: longest, input: sent } })

    expect(inputOf(reading)).toEqual({ ...whole, key: longest })
    expect(validate(requestSeen.input, inputOf(reading))).toEqual([])
  })

  it('is one command of the registry however often it comes', () => {
    const later = { ...message, time: new Date(7) }

    const ids = [message, later].map((one) => {
      const reading = readCommand(one)
      return reading.kind === 'command' ? reading.command.id : reading.kind
    })

    expect(ids[0]).toBe(ids[1])
    expect(ids[0]).not.toBe('skip')
  })

  it.each([
    ['has no key', { input: {} }],
    ['has no input', { key }],
    ['has a list for input', { key, input: [] }],
    ['has a key that no client could send', { key: 'h:a b', input: {} }],
    ['has an input that cannot be kept', { key, input: { a: '\u0000' } }],
    ['is no object', null],
    ['is a text', 'key'],
  ])('that %s is left to the service that it is for', (_, body) => {
    expect(readCommand({ ...message, body }).kind).toBe('skip')
  })

  it('of a service is registered nowhere', () => {
    expect(readCommand({ ...message, scope: serviceScope('orders') }).kind).toBe('skip')
  })
})

describe('a dead letter', () => {
  it('parks its request', () => {
    const reading = readLetter(letterOf(request))

    expect(reading).toMatchObject({ kind: 'command', command: { operation: 'request-parked' } })
    expect(inputOf(reading)).toEqual(whole)
    expect(validate(requestParked.input, inputOf(reading))).toEqual([])
  })

  it.each(['no JSON', '', '[]', 'null', '{"key":7,"input":"x"}'])(
    'that holds %j parks what its envelope names',
    (body) => {
      const reading = readLetter(letterOf(request, body))

      expect(inputOf(reading)).toEqual({ ...whole, key: null, request: null })
      expect(validate(requestParked.input, inputOf(reading))).toEqual([])
    },
  )

  it('of the registry itself parks nothing: others may have decided it', () => {
    expect(readLetter(letterOf(request, undefined, 'messages')).kind).toBe('skip')
  })

  it('of an event parks nothing, nor of what a service asks', () => {
    const letter = letterOf(request)
    const body = letter.body as object

    expect(readLetter({ ...letter, body: { ...body, type: 'charge-decided' } }).kind).toBe('skip')
    expect(readLetter({ ...letter, scope: serviceScope('orders') }).kind).toBe('skip')
  })

  it('that is not what its contract says is a dead letter itself', () => {
    expect(readLetter({ ...letterOf(request), body: { group: 'orders' } }).kind).toBe('violated')
  })
})
