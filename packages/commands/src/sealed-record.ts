import { createHmac, timingSafeEqual } from 'node:crypto'
import type { CommandId } from './command.ts'
import type { CommandRecord } from './store.ts'

/** Turns decided answers into bytes that only holders of the secret can make, and back. */
export type Seal = Readonly<{
  /** @throws {TypeError} for a tombstone: it has no answer. */
  sealed(record: CommandRecord): Buffer
  /** The record that was sealed under this id; undefined for all other bytes. */
  opened(id: CommandId, bytes: Buffer): CommandRecord | undefined
  /**
   * What authenticates a record that is kept in parts: 32 bytes that only holders of the secret can
   * make. @throws {TypeError} for a tombstone.
   */
  mac(record: CommandRecord): Buffer
}>

/**
 * A sealed record: the format's version in a byte, 32 bytes of HMAC-SHA-256 over the version, the
 * id and all that follows, the length of the head in 4 bytes, the head in JSON, the answer's body.
 * A format that a reader of this version would misunderstand takes the next number.
 */
const formatVersion = 1
const secretBytesMin = 32
const macAt = 1
const macBytes = 32
const headLengthAt = macAt + macBytes
const headAt = headLengthAt + 4

type Head = Readonly<{
  scope: string
  operation: string
  key: string
  rule: number
  hash: string
  status: number
  headers: Readonly<Record<string, string>>
  decidedAt: number
  replayableUntil: number
}>

/**
 * Makes a seal of a secret.
 *
 * @throws {TypeError} when the secret is shorter than 32 bytes.
 */
export function createSeal(secret: string): Seal {
  if (Buffer.byteLength(secret) < secretBytesMin) {
    throw new TypeError(`the secret of a replay cache has at least ${secretBytesMin} bytes`)
  }
  const macOf = (id: CommandId, sealed: Buffer) =>
    createHmac('sha256', secret)
      .update(`semel replay ${sealed[0]} ${id.length}:${id}`)
      .update(sealed.subarray(headLengthAt))
      .digest()
  const sealed = (record: CommandRecord) => {
    const { answer } = record
    if (answer === undefined) throw new TypeError('a tombstone has no answer to seal')
    const head = Buffer.from(JSON.stringify(headOf(record, answer)))
    const bytes = Buffer.allocUnsafe(headAt + head.length + answer.body.length)
    bytes[0] = formatVersion
    bytes.writeUInt32BE(head.length, headLengthAt)
    head.copy(bytes, headAt)
    answer.body.copy(bytes, headAt + head.length)
    macOf(record.id, bytes).copy(bytes, macAt)
    return bytes
  }
  return {
    sealed,
    mac: (record) => sealed(record).subarray(macAt, headLengthAt),
    opened(id, bytes) {
      if (bytes.length < headAt || bytes[0] !== formatVersion) return undefined
      const mac = bytes.subarray(macAt, headLengthAt)
      return timingSafeEqual(mac, macOf(id, bytes)) ? recordIn(id, bytes) : undefined
    },
  }
}

function headOf(record: CommandRecord, answer: NonNullable<CommandRecord['answer']>): Head {
  const { scope, operation, key, fingerprint } = record
  return {
    ...{ scope, operation, key },
    rule: fingerprint.version,
    hash: fingerprint.hash.toString('base64'),
    status: answer.status,
    headers: inNameOrder(answer.headers),
    decidedAt: record.decidedAt.getTime(),
    replayableUntil: record.replayableUntil.getTime(),
  }
}

/** A database may give them in another order than they were written in. */
function inNameOrder(headers: Head['headers']): Head['headers'] {
  return Object.fromEntries(
    Object.entries(headers).sort(([one], [other]) => (one < other ? -1 : 1)),
  )
}

/** Reads what has the right MAC: we wrote it, so it is not checked again. */
function recordIn(id: CommandId, bytes: Buffer): CommandRecord {
  const bodyAt = headAt + bytes.readUInt32BE(headLengthAt)
  const head: Head = JSON.parse(bytes.toString('utf8', headAt, bodyAt))
  const { scope, operation, key, status, headers } = head
  return {
    ...{ id, scope, operation, key },
    fingerprint: { version: head.rule, hash: Buffer.from(head.hash, 'base64') },
    answer: { status, headers, body: bytes.subarray(bodyAt) },
    decidedAt: new Date(head.decidedAt),
    replayableUntil: new Date(head.replayableUntil),
  }
}
