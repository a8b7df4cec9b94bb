import { expect, it } from 'vitest'
import { key, openWithCallers as open } from './notebook-client.ts'

const made = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

it('every answer names its request, by the name that it came with', async () => {
  const { write, get, milk } = await open()
  const named = { ...key('k'), 'x-request-id': 'shop-7/41' }

  expect((await write(named, milk)).headers['x-request-id']).toBe('shop-7/41')
  expect((await get({ 'x-request-id': 'shop-7/42' })).headers['x-request-id']).toBe('shop-7/42')
  expect((await write({}, '{')).headers['x-request-id']).toMatch(made)
})

it('a repeat has a name of its own: it is no part of the answer', async () => {
  const { write, milk } = await open()
  const first = await write(key('k'), milk)
  const repeat = await write(key('k'), milk)

  expect(repeat.body).toBe(first.body)
  expect(repeat.headers['x-request-id']).not.toBe(first.headers['x-request-id'])
})

it.each(['', 'with blank', 'ü', 'x'.repeat(129)])(
  '"%s" is no name, and a new one is given',
  async (name) => {
    const { get } = await open()

    expect((await get({ 'x-request-id': name })).headers['x-request-id']).toMatch(made)
  },
)
