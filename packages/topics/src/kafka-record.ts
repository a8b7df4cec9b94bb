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

const attributeOf = new Map(
  Object.entries(headerOf).map(([attribute, header]) => [header as string, attribute]),
)
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * A message as it is sent to Kafka.
 *
 * @throws {MessageTooLarge}
 */
export function recordOf(
  message: Message,
): Readonly<{ key: Buffer; value: Buffer; headers: Map<Buffer, Buffer> }> {
  const { id, type, source, time, scope, commandId, traceparent } = message
  const attributes = { id, type, source, time: time.toISOString(), scope, commandId, traceparent }
  const headers: [string, string | undefined][] = [
    ['ce_specversion', '1.0'],
    ['content-type', 'application/json'],
    ...Object.entries(attributes).map(([name, value]): [string, string | undefined] => [
      headerOf[name as 'id'],
      value,
    ]),
  ]
  return {
    key: Buffer.from(message.partitionKey),
    value: Buffer.from(bodyText(message)),
    headers: new Map(
      headers
        .filter(([, value]) => value !== undefined)
        .map(([name, value]) => [Buffer.from(name), Buffer.from(value!)]),
    ),
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
