import { expect, it } from 'vitest'
import { nextTurn } from '../src/next-turn.ts'

it('lets all who wait in one turn of the loop continue together, in the order they came', async () => {
  const order: string[] = []
  const waiter = async (name: string) => {
    order.push(`${name} comes`)
    await nextTurn()
    order.push(`${name} continues`)
  }
  // Both events are at hand in one turn; without the wait, the first would continue before the second.
  const came = ['one', 'two'].map(
    (name) => new Promise<void>((resolve) => setTimeout(() => resolve(waiter(name)), 0)),
  )

  await Promise.all(came)

  expect(order).toEqual(['one comes', 'two comes', 'one continues', 'two continues'])
})

it('begins anew for those who come in a later turn', async () => {
  const first = nextTurn()
  expect(nextTurn()).toBe(first)
  await first

  const second = nextTurn()

  expect(second).not.toBe(first)
  await second
})
