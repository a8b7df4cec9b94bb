import { describe, expect, it } from 'vitest'
import {
  assembleInput,
  assembleParameters,
  shapeOfCommand,
  shapeOfQuery,
} from '../src/command-input.ts'
import { key, openWithCallers as open } from './notebook-client.ts'
import { eraseNote, listNotes } from './notebook-contract.ts'

const versionFrom = (version: string | readonly string[]) =>
  assembleInput(shapeOfCommand(eraseNote), {
    params: { id: 'x' },
    query: { version },
    ifMatch: undefined,
    body: {},
  }).input

const limitFrom = (limit: string) =>
  assembleParameters(shapeOfQuery(listNotes), { params: {}, query: { limit } }).input

describe('a whole number in a path or a query', () => {
  it.each([
    ['0', 0],
    ['7', 7],
    ['-7', -7],
    ['9007199254740991', Number.MAX_SAFE_INTEGER],
    ['-9007199254740991', Number.MIN_SAFE_INTEGER],
  ])('is read from %s', (text, number) => {
    expect(versionFrom(text)).toEqual({ id: 'x', version: number })
    expect(limitFrom(text)).toEqual({ limit: number })
  })

  it.each([
    ...['9007199254740992', '9007199254740993', '-9007199254740992', '9999999999999999'],
    ...['10000000000000000', '9'.repeat(400)],
    ...['', ' ', ' 5', '5 ', '5\n', '+5', '-0', '--5', '05', '5.0', '5.', '.5', '5,0', '5_0', '5n'],
    ...['1e3', '1E3', '0x5', '0b1', '0o7', 'NaN', 'Infinity', 'five', '٥', '５'],
  ])('is not read from %j, which stays text', (text) => {
    expect(versionFrom(text)).toEqual({ id: 'x', version: text })
    expect(limitFrom(text)).toEqual({ limit: text })
  })

  it('is not read from two values', () => {
    expect(versionFrom(['1', '1'])).toEqual({ id: 'x', version: ['1', '1'] })
  })

  it('is refused where it cannot be told from its neighbour', async () => {
    const { erase, send, rows } = await open()

    for (const version of [
      '9007199254740992',
      '9007199254740993',
      '%2B5',
      '5.0',
      '1e3',
      '%205',
      '',
    ]) {
      const answer = await erase(`?version=${version}`)(key('k'))
      expect([answer.statusCode, answer.json().errors], version).toMatchObject([
        400,
        [{ in: 'query', pointer: '/version' }],
      ])
      expect((await send('GET', `/notes?limit=${version}`)()).statusCode, version).toBe(400)
    }
    expect(rows().commands).toBe(0)
  })
})
