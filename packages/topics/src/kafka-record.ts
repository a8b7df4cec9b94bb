import type { Message } from '@semel/commands'
import { bodyText } from './envelope.ts'
import type { Delivered } from './transport.ts'

/** A record as it lies in a partition of Kafka. Anybody may have written it. */
export type KafkaRecord = Readonly<{
  position: number
  key: Buffer | null
  value: Buffer | null
  headers: readonly (readonly [Buffer | null, Buffer | null])[]
}>

/** What of an envelope is in which header: CloudEvents 1.0 in binary mode. */
const headerOf = {
  id: 'ce_id',
  type: 'ce_type',
  source: 'ce_source',
  time: 'ce_time',
  scope: 'ce_scope',
  commandId: 'ce_commandid',
  traceparent: 'traceparent',
} as const

const fixedHeaders = [
  ['ce_specversion', '1.0'],
  ['content-type', 'application/json'],
] as const

const attributeOf = new Map(
  Object.entries(headerOf).map(([attribute, header]) => [header as string, attribute]),
)
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** A message as topics carry it, wherever it lies. */
export type Carried = Omit<Delivered, 'partition' | 'position'>

/**
 * A message as it will be carried.
 *
 * @throws {MessageTooLarge}
 */
export function carriedOf(message: Message): Carried {
  return { ...message, time: message.time.toISOString(), body: bodyText(message) }
}

/** A message as it is sent to Kafka; attributes that it lacks are no headers. */
export function recordOf(
  message: Carried,
): Readonly<{ key: Buffer; value: Buffer; headers: Map<Buffer, Buffer> }> {
  const named = Object.entries(headerOf).map(
    ([attribute, header]) => [header, message[attribute as keyof typeof headerOf]] as const,
  )
  const headers = [...fixedHeaders, ...named].flatMap(([header, text]) =>
    text === undefined ? [] : [[Buffer.from(header), Buffer.from(text)] as const],
  )
  return {
    key: Buffer.from(message.partitionKey),
    value: Buffer.from(message.body),
    headers: new Map(headers),
  }
}

/**
 * A record as its readers get it. What is no text is no attribute. Bytes that are no text are no
 * JSON either, and stay so, whole: `not UTF-8`, and the bytes in base 64. Of a header that comes
 * twice the last one counts.
 */
export function deliveredFrom(
  { topic, partition }: Readonly<{ topic: string; partition: number }>,
  { position, key, value, headers }: KafkaRecord,
): Delivered {
  const attributes = headers.flatMap(([name, text]) => {
    const attribute = name && attributeOf.get(name.toString('latin1'))
    const decoded = text && textOf(text)
    return attribute && decoded !== undefined ? [[attribute, decoded]] : []
  })
  return {
    ...{ topic, partition, position, partitionKey: bytesAsText(key) },
    ...(Object.fromEntries(attributes) as Partial<Delivered>),
    body: bytesAsText(value),
  }
}

function bytesAsText(bytes: Buffer | null): string {
  if (bytes === null) return ''
  return textOf(bytes) ?? `not UTF-8: ${bytes.toString('base64')}`
}

function textOf(bytes: Buffer): string | undefined {
  try {
    return utf8.decode(bytes)
  } catch (error) {
    if (error instanceof TypeError) return undefined
    throw error
  }
}
