import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { DeadLetters, Parking, Standing } from './dead-letters.ts'
import type { Delivered } from './transport.ts'

/** An open store, a second view of it as another process has it, and what it told. */
type Letters = Readonly<{
  letters: Omit<DeadLetters, 'standing' | 'take'>
  rival: Omit<DeadLetters, 'standing' | 'take'>
  /** As the rival sees it, in a transaction. */
  standing(group: string, asked: Parameters<DeadLetters['standing']>[2]): Promise<Standing>
  /** By the rival, in a transaction. */
  take(group: string, ids: readonly string[]): Promise<ReadonlySet<string>>
  /** All messages of a topic that were told, in order. */
  told(topic: string): Promise<readonly { id: string; body: unknown; scope: string }[]>
}>

type Opened = Letters & Readonly<{ close(): Promise<void> }>

const group = 'readers'
const parkedAt = new Date('2026-01-01T00:00:00.000Z')
const markedAt = new Date('2026-01-02T00:00:00.000Z')

/**
 * What every store of dead letters must do. Call it from a test file with a way to open an empty
 * one. Each test has a topic of its own.
 */
export function deadLettersConformance(name: string, open: () => Promise<Opened>): void {
  describe(`dead letters in ${name}`, () => {
    const store = {} as Opened
    beforeAll(async () => void Object.assign(store, await open()))
    afterAll(() => store.close())

    parks(store)
    parksBehind(store)
    tells(store)
    redrives(store)
    discards(store)
    lists(store)
  })
}

function parks(store: Letters): void {
  it('give back a message as it came, with why it was parked', async () => {
    const whole = letter('whole', 3, {
      message: {
        ...place('whole', 3, 'k'),
        ...{ id: crypto.randomUUID(), type: 't', source: 's', time: 'yesterday' },
        ...{ scope: '?', commandId: 'none', traceparent: '-', body: '{"a":"\u00e9"' },
      },
    })
    const bare = letter('whole', 4, { message: place('whole', 4, 'k') })

    await store.letters.park(group, [whole, bare], parkedAt)
    const [found] = await store.rival.show(whole.id)
    const [foundBare] = await store.rival.show(bare.id)

    const { id, message, reason, detail } = whole
    const rest = { redriveAt: undefined, discarded: undefined, parkedAt, group }
    expect(found).toEqual({ id, message, reason, detail, ...rest })
    expect(foundBare?.message).toEqual(bare.message)
  })

  it('keep a body that is no text, to the byte', async () => {
    const odd = letter('odd', 0, { message: { ...place('odd', 0, 'k'), body: 'a\u0000b' } })

    await store.letters.park(group, [odd], parkedAt)

    expect((await store.letters.show(odd.id))[0]?.message.body).toBe('a\u0000b')
  })

  it('hold a message once for each group, however often it is parked', async () => {
    const once = letter('once', 0)

    const first = await store.letters.park(group, [once], parkedAt)
    const again = await store.rival.park(group, [{ ...once, detail: 'other' }], markedAt)
    await store.letters.park('others', [once], parkedAt)

    expect([first, again]).toEqual([true, true])
    const found = await store.letters.show(once.id)
    expect(found.map((one) => [one.group, one.detail])).toEqual([
      ['others', 'why'],
      [group, 'why'],
    ])
  })

  it('say which keys they stand in the way of from which position, and to whom', async () => {
    const [one, two, three] = [7, 5, 9].map((at) => letter('stand', at, {}, 'a'))
    const away = letter('stand', 8, { message: { ...place('stand', 8, 'b'), partition: 1 } })
    await store.letters.park(group, [one!, two!, three!, away], parkedAt)

    const asked = { topic: 'stand', partition: 0, partitionKeys: ['a', 'b', 'c'], ids: [] }
    const standing = await store.standing(group, asked)
    const others = await store.standing('others', asked)
    const known = await store.standing(group, {
      ...asked,
      ids: [one!.id, crypto.randomUUID()],
    })

    expect(new Map(standing.fronts)).toEqual(
      new Map([
        ['a', 5],
        ['b', -1],
      ]),
    )
    expect(standing.redriveWanted).toBe(false)
    expect(others.fronts.size).toBe(0)
    expect([...known.known]).toEqual([one!.id])
  })
}

function parksBehind(store: Letters): void {
  it('park behind what stands there, and nothing behind what has gone', async () => {
    const front = letter('gone', 1)
    const next = letter('gone', 2, { behindStored: true, reason: 'behind-parked' })
    const late = letter('gone', 3, { behindStored: true, reason: 'behind-parked' })
    await store.letters.park(group, [front], parkedAt)

    const behind = await store.letters.park(group, [next], parkedAt)
    await store.rival.settle(group, { done: [front.id, next.id] })
    const behindNothing = await store.letters.park(group, [late], parkedAt)

    expect([behind, behindNothing]).toEqual([true, false])
    expect(await store.letters.show(late.id)).toEqual([])
  })

  it('take no discarded letter for one that stands in the way', async () => {
    const front = letter('out', 1)
    await store.letters.park(group, [front], parkedAt)
    await store.letters.discard({ group, id: front.id, by: 'me', why: 'void', at: markedAt })

    const asked = { topic: 'out', partition: 0, partitionKeys: ['k'], ids: [front.id] }
    const { fronts, known } = await store.standing(group, asked)
    const behind = letter('out', 2, { behindStored: true })

    expect(fronts.size).toBe(0)
    expect([...known]).toEqual([front.id])
    expect(await store.letters.park(group, [behind], parkedAt)).toBe(false)
  })
}

function tells(store: Letters): void {
  it('tell of a letter once, in the name of whoever asked', async () => {
    const scope = 't/user:ann'
    const asked = letter('told', 1, { message: { ...place('told', 1, 'k'), type: 't', scope } })
    const unknown = letter('told', 2, { message: { ...place('told', 2, 'k'), scope: 'no scope' } })

    await store.letters.park(group, [asked, unknown], parkedAt)
    await store.letters.park(group, [asked], parkedAt)

    const told = await store.told('told_dead')
    expect(told.map((one) => one.scope)).toEqual([scope, '@readers'])
    expect(told[0]?.body).toEqual({
      ...{ group, topic: 'told', partition: 0, position: 1, id: asked.id, type: 't' },
      ...{ reason: 'failed', detail: 'why', body: '{}' },
    })
  })

  it('tell no copy of a copy, and leave out a body that is too large for one', async () => {
    const large = letter('big', 1, {
      message: { ...place('big', 1, 'k'), body: 'x'.repeat(10_000_000) },
    })

    await store.letters.park(group, [large], parkedAt)
    await store.letters.park(group, [letter('big_dead', 1)], parkedAt)

    expect(await store.told('big_dead')).toMatchObject([{ body: { id: large.id, body: '' } }])
    expect(await store.told('big_dead_dead')).toEqual([])
    expect((await store.letters.show(large.id))[0]?.message.body.length).toBe(10_000_000)
  })
}

function redrives(store: Letters): void {
  it('mark all letters of a key for a redrive, and those that are parked behind them', async () => {
    const [one, two] = [letter('again', 1), letter('again', 2)]
    const other = letter('again', 3, {}, 'other')
    await store.letters.park(group, [two, one, other], parkedAt)
    const late = letter('again', 4, { behindStored: true })

    const marked = await store.letters.redrive({ group, id: two.id }, markedAt)
    await store.rival.park(group, [late], parkedAt)

    const key = { topic: 'again', partitionKey: 'k' }
    expect(marked).toBe(2)
    expect(await store.letters.keysToRedrive(group, 9)).toContainEqual(key)
    const found = await store.letters.lettersOf(group, key, 9)
    expect(found.map(({ id }) => id)).toEqual([one.id, two.id, late.id])
    expect(found.map(({ redriveAt }) => redriveAt)).toEqual([markedAt, markedAt, markedAt])
    const asked = { topic: 'again', partition: 0, partitionKeys: ['k'], ids: [] }
    expect((await store.standing(group, asked)).redriveWanted).toBe(true)
    expect((await store.letters.show(other.id))[0]?.redriveAt).toBeUndefined()
  })

  it('cannot be discarded from when they are taken until their redrive has ended', async () => {
    const one = letter('taken', 1)
    await store.letters.park(group, [one], parkedAt)
    const discard = () =>
      store.letters.discard({ group, id: one.id, by: 'me', why: 'void', at: markedAt })

    const tooEarly = await store.take(group, [one.id])
    await store.letters.redrive({ group, id: one.id }, markedAt)
    const taken = await store.take(group, [one.id])
    const discarded = await discard()
    await store.rival.settle(group, { done: [], failed: one })

    expect([tooEarly.size, taken.size, discarded, await discard()]).toEqual([0, 1, false, true])
  })

  it('delete what was decided, and renew the reason of what failed', async () => {
    const [one, two, three] = [letter('end', 1), letter('end', 2), letter('end', 3)]
    await store.letters.park(group, [one, two, three], parkedAt)
    await store.letters.redrive({ topic: 'end' }, markedAt)

    await store.letters.settle(group, {
      done: [one.id],
      failed: { id: two.id, reason: 'contract-violated', detail: 'other' },
    })

    const key = { topic: 'end', partitionKey: 'k' }
    expect(await store.letters.keysToRedrive(group, 99)).not.toContainEqual(key)
    const left = await store.letters.lettersOf(group, key, 9)
    expect(left.map(({ id, reason, detail }) => [id, reason, detail])).toEqual([
      [two.id, 'contract-violated', 'other'],
      [three.id, 'failed', 'why'],
    ])
  })

  it('leave marks alone when what failed here was decided elsewhere', async () => {
    const [one, two] = [letter('raced', 1), letter('raced', 2)]
    await store.letters.park(group, [one, two], parkedAt)
    await store.letters.redrive({ topic: 'raced' }, markedAt)
    await store.rival.settle(group, { done: [one.id] })

    const failed = { id: one.id, reason: 'failed', detail: 'late' } as const
    await store.letters.settle(group, { done: [], failed })

    expect((await store.letters.show(two.id))[0]?.redriveAt).toEqual(markedAt)
  })
}

function discards(store: Letters): void {
  it('discard a letter once, and say by whom and why', async () => {
    const [one, two] = [letter('void', 1), letter('void', 2)]
    await store.letters.park(group, [one, two], parkedAt)
    await store.letters.redrive({ topic: 'void' }, markedAt)
    const told = await store.told('void_dead')

    const asked = { group, id: one.id, by: 'operator', why: 'a typo', at: markedAt }
    const results = [await store.letters.discard(asked), await store.rival.discard(asked)]
    const missing = await store.letters.discard({ ...asked, group: 'nobody' })

    expect([...results, missing]).toEqual([true, false, false])
    const [found] = await store.letters.show(one.id)
    expect(found?.discarded).toEqual({ at: markedAt, by: 'operator', why: 'a typo' })
    const left = await store.letters.lettersOf(group, { topic: 'void', partitionKey: 'k' }, 9)
    expect(left.map(({ id }) => id)).toEqual([two.id])
    expect(await store.told('void_dead')).toEqual(told)
  })
}

function lists(store: Letters): void {
  it('are listed by group and topic, newest first or by place, without bodies', async () => {
    const [one, two, three] = [letter('list', 1), letter('list', 2), letter('list', 3)]
    await store.letters.park(group, [two], parkedAt)
    await store.letters.park(group, [one], markedAt)
    await store.letters.park('others', [three], markedAt)
    await store.letters.discard({ group: 'others', id: three.id, by: 'me', why: 'y', at: markedAt })
    const idsOf = async (...asked: Parameters<DeadLetters['list']>) =>
      (await store.letters.list(...asked)).map(({ id }) => id)

    const newest = await store.letters.list({ group, topic: 'list' })

    expect(newest.map(({ id }) => id)).toEqual([one.id, two.id])
    expect(newest.map(({ message }) => message.body)).toEqual(['', ''])
    expect(await idsOf({ topic: 'list' }, { order: 'position' })).toEqual([one.id, two.id])
    expect(await idsOf({ topic: 'list' }, { order: 'position', discarded: true })).toEqual([
      three.id,
      one.id,
      two.id,
    ])
    expect(await idsOf({ id: two.id })).toEqual([two.id])
    expect(await idsOf({ topic: 'list', partitionKey: 'k' })).toEqual([one.id, two.id])
    expect(await idsOf({ topic: 'list', partitionKey: 'another' })).toEqual([])
    expect(await idsOf({ topic: 'list' }, { lettersMax: 1 })).toEqual([one.id])
  })
}

function place(topic: string, position: number, partitionKey: string): Delivered {
  return { topic, partition: 0, position, partitionKey, body: '{}' }
}

function letter(
  topic: string,
  position: number,
  more: Partial<Parking> = {},
  partitionKey = 'k',
): Parking {
  const message = place(topic, position, partitionKey)
  const id = crypto.randomUUID()
  return { id, message, reason: 'failed', detail: 'why', behindStored: false, ...more }
}
