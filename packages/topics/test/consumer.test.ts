import { setImmediate as nextTurn } from 'node:timers/promises'
import { type AnyCommandContract, reaction } from '@semel/contract'
import {
  carries,
  type DeadLetters,
  type Delivered,
  makeReaction,
  type Received,
  reactsTo,
  readMessage,
  startConsumer,
} from '@semel/topics'
import { describe, expect, it, onTestFinished } from 'vitest'
import { eating, fill, filling, fillJar, jarId, jars, otherJar, sweetsEaten } from './jars.ts'

/** Jars whose consumer runs until the test has ended. */
function running(options: Parameters<typeof jars>[0] = {}) {
  const made = jars(options)
  const { stop } = made.consume()
  onTestFinished(() => stop())
  return Object.assign(made, { stop })
}

/** Polls until something holds. */
async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 20_000
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error('it never came to hold')
    await nextTurn()
  }
}

describe('a consumer', () => {
  it('decides the commands that messages carry, in their order', async () => {
    const { transport, jar } = running()

    transport.send(filling('one', 1), filling('two', 2), filling('three', 3))
    await transport.drained()

    expect(jar().log).toEqual([1, 2, 3])
  })

  it('decides a command once, whether it is submitted or comes by a topic', async () => {
    const { transport, jar, executor } = running()
    await executor.submit(fill('one', 1))

    transport.send(filling('one', 1), filling('two', 2))
    await transport.drained()
    const outcome = await executor.submit(fill('two', 2))

    expect(outcome).toMatchObject({ kind: 'answered', replayed: true })
    expect(jar().log).toEqual([1, 2])
  })

  it('lets what comes twice take effect once, in one batch and in two', async () => {
    const { transport, jar, parked } = running()
    const id = crypto.randomUUID()

    transport.send(filling('one', 5), filling('one', 5), eating(id, 2), eating(id, 2))
    await transport.drained()
    transport.send(filling('one', 5), eating(id.toUpperCase(), 2))
    await transport.drained()

    expect(jar().log).toEqual([5, -2])
    expect(await parked()).toEqual([])
  })

  it('changes nothing when it reads a topic from its start again', async () => {
    const { transport, jar, bugs, parked, database, deadLetters } = running()
    bugs.add(6)
    const one = filling('poison', 6, otherJar)
    transport.send(filling('one', 1), eating(crypto.randomUUID(), 1), filling('two', 2, otherJar))
    transport.send(one, filling('three', 3, otherJar), filling('four', 4))
    transport.send(filling('five', 0, '018f0000-0000-7000-8000-000000000003'))
    await transport.drained()
    const [letter] = await deadLetters.list({ topic: 'jar' }, { order: 'position' })
    const discarded = { id: letter!.id, group: 'jars', by: 'me', why: 'void' }
    await deadLetters.discard({ ...discarded, at: new Date(0) })
    const before = [jar().log, jar(otherJar).log, await parked(), database.messages.length]

    transport.reset()
    await transport.drained()

    const after = [jar().log, jar(otherJar).log, await parked(), database.messages.length]
    expect(after).toEqual(before)
    expect(before).toEqual([
      [1, -1, 4],
      [2],
      [
        [4, 'behind-parked'],
        [6, 'contract-violated'],
      ],
      3,
    ])
  })

  it('never takes up again what an operator discarded, mended or not', async () => {
    const { transport, jar, bugs, deadLetters } = running()
    const poison = filling('poison', 6)
    bugs.add(6)
    transport.send(poison)
    await transport.drained()
    await deadLetters.discard({
      ...{ group: 'jars', id: poison.id!, by: 'me', why: 'void', at: new Date(0) },
    })
    bugs.clear()

    transport.reset()
    transport.send(poison, filling('one', 1))
    await transport.drained()

    expect(jar().log).toEqual([1])
  })

  it('gives a decider only the members that an event declares', async () => {
    const { transport, jar } = running()

    transport.send(eating(crypto.randomUUID(), 2, { flavour: 'mint', jarId: jarId.toUpperCase() }))
    await transport.drained()

    expect(jar().seen).toEqual([{ jarId, amount: 2 }])
  })

  it('skips a declared type that its group does not subscribe to', async () => {
    const { transport, jar, parked } = running()

    transport.send(filling('one', 1, jarId, { type: 'jar-broken', body: '?' }), filling('two', 2))
    await transport.drained()

    expect(await parked()).toEqual([])
    expect(jar().log).toEqual([2])
  })

  it('refuses subscriptions that contradict each other or the contracts', () => {
    const { consume } = jars()
    const toCommand = () => ({ kind: 'skip' }) as const

    expect(() => consume([carries(fillJar), carries(fillJar)])).toThrow('two subscriptions')
    expect(() => consume([{ topic: 'jar', type: 'x', toCommand }])).toThrow('declares')
  })

  it('loses nothing and blames nobody while the store is away', async () => {
    const { transport, jar, away, parked, reported, bugs } = running({ batchSizeMax: 2 })
    bugs.add(666)
    away.store = true
    transport.send(filling('one', 1), filling('poison', 666, otherJar), filling('two', 2))

    await until(() => transport.rejections() > 20)
    const whileAway = [jar().log, await parked()]
    away.store = false
    await transport.drained()

    expect(whileAway).toEqual([[], []])
    expect(jar().log).toEqual([1, 2])
    expect(await parked()).toEqual([[1, 'failed']])
    expect(reported.length).toBeGreaterThan(20)
  })

  it('brings a batch again until its letters are kept', async () => {
    const { transport, jar, away, parked, bugs } = running()
    bugs.add(666)
    away.letters = true
    transport.send(filling('one', 1), filling('poison', 666), filling('two', 2))

    await until(() => transport.rejections() > 3)
    away.letters = false
    await transport.drained()

    expect(jar().log).toEqual([1])
    expect(await parked()).toEqual([
      [1, 'failed'],
      [2, 'behind-parked'],
    ])
  })
})

describe('a message that can never be decided', () => {
  const whole = filling('one', 1)
  const body = (value: unknown) => ({ body: JSON.stringify(value) })

  it.each<[string, string, { [Name in keyof Delivered]?: Delivered[Name] | undefined }]>([
    ['is no JSON', 'not-json', { body: '{"key":' }],
    ['holds what no text holds', 'not-json', { body: '{"key":"\u0000"}' }],
    ['has no id', 'envelope-invalid', { id: undefined }],
    ['has an id that is no UUID', 'envelope-invalid', { id: 'seven' }],
    ['has no type', 'envelope-invalid', { type: undefined }],
    ['has no source', 'envelope-invalid', { source: undefined }],
    ['has a source that is no service', 'envelope-invalid', { source: 'The Kitchen' }],
    ['has a time that is none', 'envelope-invalid', { time: 'noon' }],
    ['has a day that is none', 'envelope-invalid', { time: '2026-13-41T00:00:00Z' }],
    ['has no scope', 'envelope-invalid', { scope: undefined }],
    ['has a scope that is none', 'envelope-invalid', { scope: 'everybody' }],
    ['has a scope with U+0000', 'envelope-invalid', { scope: 't/user:a\u0000' }],
    ['is of 10 MB', 'too-large', body({ key: 'h:one', input: 'x'.repeat(10_000_000) })],
    ['is of a type nobody declares', 'type-unknown', { type: 'jar-stolen' }],
    ['nests too deeply', 'contract-violated', { body: `${'['.repeat(17)}${']'.repeat(17)}` }],
    ['holds U+0000', 'contract-violated', body({ key: 'h:one', input: { id: '\u0000' } })],
    ['has no key', 'contract-violated', body({ input: { id: jarId, amount: 1 } })],
    ['has a key that is none', 'contract-violated', body({ key: 'two words', input: {} })],
    ['has no input', 'contract-violated', body({ key: 'h:one' })],
    ['is no object', 'contract-violated', body([1])],
    ['lacks a member', 'contract-violated', body({ key: 'h:one', input: { id: jarId } })],
    [
      'breaks its contract',
      'contract-violated',
      body({ key: 'h:x', input: { id: jarId, amount: 0 } }),
    ],
  ])('is parked when it %s: %s', async (_, reason, wrong) => {
    const { transport, jar, parked, deadLetters, database } = running()

    transport.send({ ...whole, ...wrong } as Delivered, filling('other', 5, otherJar))
    await transport.drained()

    expect(await parked()).toEqual([[0, reason]])
    expect([jar().log, jar(otherJar).log]).toEqual([[], [5]])
    const [letter] = await deadLetters.list({})
    expect(letter?.detail).not.toBe('')
    expect(database.messages).toMatchObject([
      { topic: 'jar_dead', type: 'dead-lettered', source: 'jars', partitionKey: jarId },
    ])
  })

  it('is parked when its event breaks the contract', async () => {
    const { transport, parked } = running()

    transport.send(eating(crypto.randomUUID(), -1))
    await transport.drained()

    expect(await parked()).toEqual([[0, 'contract-violated']])
  })

  it('is parked when its subscription has a bug', async () => {
    const { transport, deadLetters, executor } = jars()
    const consumer = startConsumer({
      ...{ transport, group: 'buggy', executor, deadLetters },
      subscriptions: [
        {
          ...reactsTo(sweetsEaten),
          toCommand: () => {
            throw new Error('a bug')
          },
        },
      ],
      declared: [sweetsEaten],
    })
    onTestFinished(() => consumer.stop())

    transport.send(eating(crypto.randomUUID(), 1))
    await transport.drained()

    expect(await deadLetters.list({})).toMatchObject([{ reason: 'failed', detail: 'Error: a bug' }])
  })

  it('is parked with what follows it under its key, while other keys flow', async () => {
    const { transport, jar, bugs, parked, deadLetters } = running()
    bugs.add(666)

    transport.send(filling('one', 1), filling('poison', 666), filling('two', 2))
    transport.send(filling('other', 5, otherJar), filling('three', 3))
    await transport.drained()
    transport.send(filling('four', 4), filling('more', 6, otherJar))
    await transport.drained()

    expect([jar().log, jar(otherJar).log]).toEqual([[1], [5, 6]])
    expect(await parked()).toEqual([
      [1, 'failed'],
      [2, 'behind-parked'],
      [4, 'behind-parked'],
      [5, 'behind-parked'],
    ])
    const letters = await deadLetters.list({}, { order: 'position' })
    expect(letters[0]?.detail).toBe('Error: the decider has a bug')
  })

  it('holds back nothing that was decided before, when that comes again', async () => {
    const { transport, jar, bugs, parked } = running()
    bugs.add(6)
    const sent = [filling('one', 1), filling('poison', 6), filling('two', 2)]
    transport.send(...sent)
    await transport.drained()

    transport.send(sent[0]!, filling('bad', 0), sent[0]!)
    await transport.drained()

    expect(jar().log).toEqual([1])
    expect(await parked()).toEqual([
      [1, 'failed'],
      [2, 'behind-parked'],
      [4, 'behind-parked'],
    ])
  })

  it('holds back what follows it in the same batch, whatever is wrong with it', async () => {
    const { transport, jar, parked } = running()

    transport.send(filling('one', 1, jarId, { body: '?' }), filling('two', 2))
    transport.send(filling('three', 0), filling('four', 4))
    await transport.drained()

    expect(jar().log).toEqual([])
    expect((await parked()).map(([, reason]) => reason)).toEqual([
      'not-json',
      'behind-parked',
      'behind-parked',
      'behind-parked',
    ])
  })

  it('is no dead letter if an earlier release decided it under a laxer contract', async () => {
    const { transport, jar, executor, parked } = running()
    const lax = fill('lax', 0)
    await executor.submit(lax)

    transport.send(filling('lax', 0), filling('two', 2), filling('strict', 0), filling('four', 4))
    await transport.drained()

    expect(jar().log).toEqual([0, 2])
    expect(await parked()).toEqual([
      [2, 'contract-violated'],
      [3, 'behind-parked'],
    ])
  })
})

describe('an event that breaks its contract', () => {
  it('is no dead letter if an earlier release reacted to it under a laxer one', async () => {
    const { transport, jar, executor, parked } = running()
    const [lax, strict] = [eating(crypto.randomUUID(), -1), eating(crypto.randomUUID(), -2)]
    const message = readMessage(lax) as Received
    const input = message.body as object
    await executor.submit(makeReaction(reaction(sweetsEaten), { group: 'jars', message, input }))

    transport.send(lax, filling('two', 2), strict, filling('four', 4))
    await transport.drained()

    expect(jar().log).toEqual([1, 2])
    expect(await parked()).toEqual([
      [2, 'contract-violated'],
      [3, 'behind-parked'],
    ])
  })
})

describe('a redrive', () => {
  it('decides letters in their order once the bug is mended, then lets new ones flow', async () => {
    const { transport, jar, bugs, parked, deadLetters } = running()
    bugs.add(6)
    transport.send(filling('one', 1), filling('poison', 6), filling('two', 2), filling('three', 3))
    await transport.drained()

    bugs.clear()
    await deadLetters.redrive({ group: 'jars' }, new Date(1))
    await until(async () => (await parked()).length === 0)
    transport.send(filling('four', 4), filling('poison', 6))
    await transport.drained()

    expect(jar().log).toEqual([1, 6, 2, 3, 4])
    expect(await parked()).toEqual([])
  })

  it('stops at the first letter that fails again, and renews its reason', async () => {
    const { transport, jar, bugs, parked, deadLetters } = running()
    bugs.add(6).add(7)
    transport.send(filling('one', 6), filling('two', 2), filling('three', 7), filling('four', 4))
    await transport.drained()

    bugs.delete(6)
    await deadLetters.redrive({ topic: 'jar' }, new Date(1))
    await until(async () => (await parked())[0]?.[1] === 'failed' && (await parked()).length === 2)
    transport.send(filling('five', 5))
    await transport.drained()

    expect(jar().log).toEqual([6, 2])
    expect(await parked()).toEqual([
      [2, 'failed'],
      [3, 'behind-parked'],
      [4, 'behind-parked'],
    ])
    expect(await deadLetters.keysToRedrive('jars', 9)).toEqual([])
  })

  it('waits for a store that is away, and holds the key until then', async () => {
    const { transport, jar, bugs, away, parked, deadLetters, reported } = running()
    bugs.add(6)
    transport.send(filling('poison', 6), filling('two', 2))
    await transport.drained()
    bugs.clear()

    away.store = true
    await deadLetters.redrive({}, new Date(1))
    await until(() => reported.length > 3)
    transport.send(filling('three', 3))
    const whileAway = jar().log
    away.store = false
    await transport.drained()
    await until(async () => (await parked()).length === 0)

    expect(whileAway).toEqual([])
    expect(jar().log).toEqual([6, 2, 3])
  })

  it('takes a letter that was parked under one release to another that can read it', async () => {
    const { transport, deadLetters, stop, parked, executor, jar } = running()
    transport.send(filling('one', 1, jarId, { type: 'fill-jar-2' }), filling('two', 2))
    await transport.drained()
    await stop()

    const newer: AnyCommandContract = {
      ...(fillJar as AnyCommandContract),
      operation: 'fill-jar-2',
    }
    const toCommand = carries(newer).toCommand
    const next = startConsumer({
      ...{ transport, group: 'jars', executor, deadLetters, redriveIntervalMs: 5 },
      subscriptions: [
        carries(fillJar),
        {
          ...{ topic: 'jar', type: 'fill-jar-2' },
          toCommand(message, group) {
            const reading = toCommand(message, group)
            return reading.kind === 'command'
              ? { kind: 'command', command: fill('renamed', 1) }
              : reading
          },
        },
      ],
      declared: [
        { topic: 'jar', type: 'fill-jar' },
        { topic: 'jar', type: 'fill-jar-2' },
      ],
    })
    onTestFinished(() => next.stop())
    await deadLetters.redrive({}, new Date(1))
    await until(async () => (await parked()).length === 0)

    expect(jar().log).toEqual([1, 2])
  })

  it('that empties a key while a batch waits behind it lets the batch flow', async () => {
    const { transport, jar, executor, deadLetters, bugs, parked, stop } = running()
    bugs.add(6)
    transport.send(filling('poison', 6))
    await transport.drained()
    await stop()
    bugs.clear()
    let looks = 0
    const emptiedBehind: DeadLetters = {
      ...deadLetters,
      async standing(...asked) {
        const standing = await deadLetters.standing(...asked)
        const [letter] = await deadLetters.show(filling('poison', 6).id!)
        looks += 1
        if (looks > 1) return standing
        await executor.submitCarried([{ command: fill('poison', 6), partitionKey: jarId }])
        await deadLetters.settle('jars', { done: [letter!.id] })
        return standing
      },
    }
    const next = startConsumer({
      ...{ transport, group: 'jars', executor, deadLetters: emptiedBehind },
      ...{ subscriptions: [carries(fillJar)], declared: [{ topic: 'jar', type: 'fill-jar' }] },
    })
    onTestFinished(() => next.stop())

    transport.send(filling('one', 1), filling('two', 2))
    await transport.drained()

    expect(jar().log).toEqual([6, 1, 2])
    expect(await parked()).toEqual([])
    expect([looks, transport.rejections()]).toEqual([2, 0])
  })

  it('by two processes at once keeps the order, and decides each letter once', async () => {
    const { transport, jar, bugs, parked, deadLetters, consume } = running({ batchSizeMax: 16 })
    const rival = consume()
    onTestFinished(() => rival.stop())
    const amounts = Array.from({ length: 40 }, (_, index) => index + 1)
    bugs.add(150)
    transport.send(filling('poison', 150))
    transport.send(...amounts.map((amount) => filling(`k${amount}`, amount)))
    await transport.drained()
    expect((await parked()).length).toBe(41)

    bugs.clear()
    await deadLetters.redrive({}, new Date(1))
    transport.send(filling('last', 30))
    await until(async () => (await parked()).length === 0 && jar().log.length === 42)

    expect(jar().log).toEqual([150, ...amounts, 30])
  })
})
