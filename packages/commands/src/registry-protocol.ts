import { createHmac, timingSafeEqual } from 'node:crypto'
import { type Static, Type, validate } from '@semel/contract'
import type { Ending } from './fold.ts'
import type { Sought } from './replay-cache.ts'
import { createSeal, type Seal } from './sealed-record.ts'
import type { CommandRecord } from './store.ts'
import { recordOf } from './store.ts'

/**
 * How an executor asks a registry for answers: `POST` to this path of the registry itself, with
 * {@link questionText} as body and {@link questionMac} in the header {@link macHeader}. The answer
 * is {@link RegisteredAnswers}.
 */
export const replaysPath = '/replays'

/** The header of a question that only holders of the secret can ask. */
export const macHeader = 'semel-mac'

/** Requests in one question, at most. */
export const guidsMax = 128

/** Bytes of a body that a registry tells, at most: longer answers are the database's. */
export const registeredBytesMax = 64 * 1024

/** What a registry knows of the requests it was asked for: an entry for each one with a seal. */
export const RegisteredAnswers = Type.Object({
  answers: Type.Array(
    Type.Object({
      guid: Type.String(),
      status: Type.Integer(),
      headers: Type.Record(Type.String(), Type.String()),
      body: Type.String(),
      seal: Type.String(),
    }),
  ),
})

/** An answer as a registry has it, to the byte, with the seal that was told with it. */
export type RegisteredAnswer = Static<typeof RegisteredAnswers>['answers'][number]

const Question = Type.Object({
  guids: Type.Array(Type.String({ format: 'uuid' }), { maxItems: guidsMax }),
})
/** When it was decided and until when it is replayed, in milliseconds of 1970, and the MAC. */
const sealForm = /^(\d{1,16})\.(\d{1,16})\.([\w-]{43})$/

/** The body that asks for requests by their guids. */
export function questionText(guids: readonly string[]): string {
  return JSON.stringify({ guids })
}

/** What proves that a question comes from a holder of the secret. */
export function questionMac(secret: string, question: string | Buffer): string {
  return macOfQuestion(secret, question).toString('base64url')
}

/** The guids that a question asks for; undefined where no holder of the secret asked it. */
export function guidsIn(
  secret: string,
  question: Buffer,
  mac: string | undefined,
): readonly string[] | undefined {
  const given = Buffer.from(mac ?? '', 'base64url')
  const right = macOfQuestion(secret, question)
  if (given.length !== right.length || !timingSafeEqual(given, right)) return undefined
  const asked: unknown = JSON.parse(question.toString())
  return validate(Question, asked).length === 0
    ? (asked as Static<typeof Question>).guids
    : undefined
}

/**
 * Makes the function that seals what is told of commands that ended, so that executors with the
 * same secret believe a registry that has it; undefined for what has no answer.
 */
export function endingSeal(secret: string): (ending: Ending) => string | undefined {
  const seal = createSeal(secret)
  return ({ command, outcome }) => {
    if (outcome.kind !== 'answered') return undefined
    const { answer, decidedAt, replayableUntil } = outcome
    const mac = seal.mac(recordOf(command, answer, outcome)).toString('base64url')
    return `${decidedAt.getTime()}.${replayableUntil.getTime()}.${mac}`
  }
}

/** The record that was sealed for this very command; undefined for every other answer. */
export function recordOfAnswer(
  seal: Seal,
  { id, scope, operation, key, fingerprint }: Sought,
  { status, headers, body, seal: sealed }: RegisteredAnswer,
): CommandRecord | undefined {
  const [, decidedAt, replayableUntil, mac] = sealForm.exec(sealed) ?? []
  if (mac === undefined) return undefined
  const record = {
    ...{ id, scope, operation, key, fingerprint },
    answer: { status, headers, body: Buffer.from(body) },
    decidedAt: new Date(Number(decidedAt)),
    replayableUntil: new Date(Number(replayableUntil)),
  }
  return timingSafeEqual(Buffer.from(mac, 'base64url'), seal.mac(record)) ? record : undefined
}

function macOfQuestion(secret: string, question: string | Buffer): Buffer {
  return createHmac('sha256', secret).update('semel question 1 ').update(question).digest()
}
