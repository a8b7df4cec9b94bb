import { describe, expect, it, onTestFinished } from 'vitest'
import { autocannonDriver } from '../src/autocannon.ts'
import { answerFaults, faultsOf } from '../src/check.ts'
import { runContender } from '../src/contender.ts'
import { type ContenderName, openContender } from '../src/contenders.ts'
import { openDatabases } from '../src/databases.ts'

const flawless = {
  orders: 100,
  keys: 100,
  whole: 100,
  messages: 100,
  orderSum: 5000,
  messageSum: 5000,
}
const expected = { answered: 100, unansweredMax: 8 }

describe('the check after a run', () => {
  it('passes where every answer has its order, its key and its message', () => {
    expect(faultsOf(flawless, expected)).toEqual([])
  })

  it('allows for one request on each connection that was cut before its answer', () => {
    expect(faultsOf(flawless, { answered: 92, unansweredMax: 8 })).toEqual([])
    expect(faultsOf(flawless, { answered: 91, unansweredMax: 8 })).toEqual([
      '100 orders where 99 can have been asked for: some are doubled',
    ])
  })

  it.each([
    ['an answered order is not there', { orders: 99, keys: 99, whole: 99, messages: 99 }],
    ['a key has no order', { keys: 101 }],
    ['a message is missing', { messages: 99 }],
    ['an order has the key or the message of another', { whole: 99 }],
    ['amounts differ', { messageSum: 5001 }],
  ])('fails where %s', (_, flaw) => {
    expect(faultsOf({ ...flawless, ...flaw }, expected)).not.toEqual([])
  })

  it('fails where requests were refused or broke', () => {
    expect(answerFaults({ non2xx: 0, errors: 0 })).toEqual([])
    expect(answerFaults({ non2xx: 1, errors: 2 })).toHaveLength(2)
  })

  it.each<ContenderName>(['careless', 'product'])(
    'sees a single order disappear from what %s left',
    async (name) => {
      const { databases, contender } = await opened(name)
      const since = new Date()
      const load = { connections: 8, seconds: 1, run: 'checked', keys: 0 }
      const { loaded, faults } = await runContender(databases, contender, autocannonDriver, load)
      expect(faults).toEqual([])
      const { store } = contender

      const client = await databases.connect(store!.connection)
      await client.query('delete from orders where id = (select id from orders limit 1)')

      const counted = await store!.count(since)
      const allowed = { answered: loaded.answered, unansweredMax: 8 }
      expect(faultsOf(counted, allowed).join()).toMatch(/orders under \d+ keys/)
    },
  )
})

async function opened(name: ContenderName) {
  const databases = await openDatabases(() => undefined)
  onTestFinished(() => databases.close())
  const contender = await openContender(name, {
    databases,
    driver: autocannonDriver,
    warmUpSeconds: 1,
    logRows: 0,
    onFilled: () => undefined,
  })
  onTestFinished(() => contender.stop())
  return { databases, contender }
}
