import { hash } from 'node:crypto'
import { commandId, type Message, serviceScope } from '@semel/commands'
import { isUuid } from '@semel/contract'
import { bodyBytesMax, originOf } from './envelope.ts'
import type { Delivered } from './transport.ts'

/** Why a message was parked. The list is closed. */
export const reasons = [
  'not-json',
  'envelope-invalid',
  'too-large',
  'type-unknown',
  'contract-violated',
  'failed',
  'behind-parked',
] as const

/** Why a message was parked. */
export type Reason = (typeof reasons)[number]

/** A message that is to be parked, under the id that {@link letterId} gave it. */
export type Parking = Readonly<{
  id: string
  message: Delivered
  reason: Reason
  /** For an operator. */
  detail: string
  /**
   * It is only parked if a letter stands in its way in the store: one of the same topic and
   * partition key that was there before these.
   */
  behindStored: boolean
}>

/** A parked message. `message` is as it came; its id may be missing or malformed. */
export type DeadLetter = Readonly<{
  group: string
  id: string
  message: Delivered
  reason: Reason
  detail: string
  parkedAt: Date
  /** Set: its group is to try it again. */
  redriveAt: Date | undefined
  discarded: Readonly<{ at: Date; by: string; why: string }> | undefined
}>

/** What stands in the way of a partition's messages. */
export type Standing = Readonly<{
  /**
   * By partition key: the position of its first letter in the partition asked about; -1 if it has
   * one in another partition. What comes later under the key is behind it.
   */
  fronts: ReadonlyMap<string, number>
  /** Of the ids asked about, those that are parked or were discarded. */
  known: ReadonlySet<string>
  /** Some of these keys are to be redriven. */
  redriveWanted: boolean
}>

/** The letters of one partition key of a topic. */
export type LetterKey = Readonly<{ topic: string; partitionKey: string }>

/** Which letters an operator means; what is left out does not narrow. */
export type LetterFilter = Readonly<{
  group?: string
  topic?: string
  /** The partition key as the letter has it. */
  partitionKey?: string
  id?: string
}>

/**
 * Where groups keep what they could not decide. A store of dead letters passes the suite of
 * `@semel/topics/dead-letters-conformance`.
 *
 * Everything may be repeated: parking is unique by group and id, and a letter that is gone is no
 * fault. Whatever rejects has changed nothing, or is not known to have, and may be sent again.
 * `Tx`: of the store that the group's commands are decided in.
 */
export interface DeadLetters<Tx = unknown> {
  /** What stands in the way of these keys, and which of these ids are letters. */
  standing(
    tx: Tx,
    group: string,
    asked: Readonly<{
      topic: string
      partition: number
      partitionKeys: readonly string[]
      ids: readonly string[]
    }>,
  ): Promise<Standing>
  /**
   * Parks messages of one topic, and tells `<topic>_dead` of those that were not parked before, in
   * one transaction. What is parked behind a key that is being redriven is to be redriven too.
   *
   * @returns whether all are parked now. False: what stood in the way of some has gone meanwhile.
   */
  park(group: string, letters: readonly Parking[], parkedAt: Date): Promise<boolean>
  /** Keys with letters that are to be redriven; those that have waited longest first. */
  keysToRedrive(group: string, keysMax: number): Promise<readonly LetterKey[]>
  /** The first letters of a key, in the order of partition and position; none discarded. */
  lettersOf(group: string, key: LetterKey, lettersMax: number): Promise<readonly DeadLetter[]>
  /**
   * Takes letters that are to be redriven, in the transaction that decides them: from its commit
   * on, until the redrive is settled, they cannot be discarded.
   *
   * @returns those that are there, not discarded, and still to be redriven.
   */
  take(tx: Tx, group: string, ids: readonly string[]): Promise<ReadonlySet<string>>
  /**
   * What a redrive came to: letters that are decided now are deleted. `failed`: its reason is
   * renewed, and what was to be redriven under its key is not any more.
   */
  settle(
    group: string,
    end: Readonly<{
      done: readonly string[]
      failed?: Readonly<{ id: string; reason: Reason; detail: string }>
    }>,
  ): Promise<void>
  /**
   * Letters, without their bodies; a hundred by default. `newest`: what was parked last first.
   * `position`: by group, topic, partition and position.
   */
  list(
    filter: LetterFilter,
    options?: Readonly<{
      order?: 'newest' | 'position'
      lettersMax?: number
      /** Those that were discarded too. Default false. */
      discarded?: boolean
    }>,
  ): Promise<readonly DeadLetter[]>
  /** The letters of an id, whole: one for each group that parked the message. */
  show(id: string): Promise<readonly DeadLetter[]>
  /**
   * Takes a letter out of the way for good: its message is never decided. What waits behind it goes
   * on waiting, until it is redriven.
   *
   * @returns whether there was such a letter, not discarded before, nor just being redriven.
   */
  discard(
    letter: Readonly<{ group: string; id: string; by: string; why: string; at: Date }>,
  ): Promise<boolean>
  /**
   * Marks all letters of the keys that any of the meant letters is of: their group tries them
   * again, in order, in a second or so, without being restarted.
   *
   * @returns how many were marked.
   */
  redrive(filter: LetterFilter, at: Date): Promise<number>
}

/** Characters of a partition key under which letters are kept: an index has to hold it. */
const partitionKeyMax = 512

/** The id of a letter: the message's own, or one derived from its place where it has none. */
export function letterId({ id, topic, partition, position }: Delivered): string {
  if (isUuid(id)) return id.toLowerCase()
  return commandId(serviceScope('dead-letters'), topic, `${partition}/${position}`)
}

/**
 * A message as a store can keep it, to be judged as it will be kept: no unpaired surrogates, and
 * besides the body no U+0000 (each becomes U+FFFD); a partition key of at most 512 characters,
 * beyond which a hash stands for the rest.
 */
export function storable(message: Delivered): Delivered {
  if (isStorable(message)) return message
  const { body, partitionKey, ...attributes } = message
  const cleaned = Object.entries(attributes).map(
    ([name, value]) => [name, typeof value === 'string' ? cleanText(value) : value] as const,
  )
  return {
    ...(Object.fromEntries(cleaned) as typeof attributes),
    partitionKey: shortKey(cleanText(partitionKey)),
    body: body.toWellFormed(),
  }
}

/** Nearly every message is: without a copy, this takes a quarter of the time. */
function isStorable({ body, ...envelope }: Delivered): boolean {
  if (envelope.partitionKey.length > partitionKeyMax || !body.isWellFormed()) return false
  return Object.values(envelope).every(
    (value) => typeof value !== 'string' || (value.isWellFormed() && !value.includes('\u0000')),
  )
}

/** Text without what PostgreSQL's text cannot hold. */
export function cleanText(text: string): string {
  return text.toWellFormed().replaceAll('\u0000', '\ufffd')
}

/**
 * The message that tells of a letter on `<topic>_dead`; undefined for what was dead there already:
 * of copies there are no copies. A body that would make it too large is left empty.
 */
export function deadLettered(
  group: string,
  { id, message, reason, detail }: Omit<Parking, 'behindStored'>,
  time: Date,
): Message | undefined {
  const { topic, partition, position, partitionKey, type = '' } = message
  if (topic.endsWith('_dead')) return undefined
  const parking = commandId(serviceScope(group), 'dead-letter', id)
  const written = { group, topic, partition, position, id, type, reason, detail }
  const whole = { ...written, body: cleanText(message.body) }
  const isTooLarge = Buffer.byteLength(JSON.stringify(whole)) > bodyBytesMax
  return {
    ...{ topic: `${topic}_dead`, partitionKey, type: 'dead-lettered' },
    ...{ id: parking, source: group, time, commandId: parking },
    ...{ scope: serviceScope(group), ...originOf(message) },
    body: isTooLarge ? { ...written, type: type.slice(0, 1024), body: '' } : whole,
  }
}

function shortKey(key: string): string {
  if (key.length <= partitionKeyMax) return key
  return `${key.slice(0, partitionKeyMax - 64).toWellFormed()}${hash('sha256', key, 'hex')}`
}
