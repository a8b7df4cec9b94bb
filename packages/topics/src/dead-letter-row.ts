import type { DeadLetter, Reason } from './dead-letters.ts'

const attributeColumns = [
  'message_id',
  'type',
  'source',
  'time',
  'scope',
  'command_id',
  'traceparent',
] as const

/** The columns of a {@link LetterRow} without its body. */
export const letterColumns = `
  consumer_group, id, topic, partition, position, partition_key, reason, detail, parked_at,
  redrive_at, discarded_at, discarded_by, discarded_for, ${attributeColumns.join(', ')}`

/** A row of `dead_letters`; its body only where that was asked for. */
export type LetterRow = {
  consumer_group: string
  id: string
  topic: string
  partition: number
  position: number
  partition_key: string
  reason: Reason
  detail: string
  parked_at: Date
  redrive_at: Date | null
  discarded_at: Date | null
  discarded_by: string
  discarded_for: string
  body?: Buffer
} & Record<(typeof attributeColumns)[number], string | null>

/** The letter that a row is. */
export function letterOf(row: LetterRow): DeadLetter {
  const { topic, partition, position, partition_key: partitionKey } = row
  const attributes = {
    ...{ id: row.message_id, type: row.type, source: row.source, time: row.time },
    ...{ scope: row.scope, commandId: row.command_id, traceparent: row.traceparent },
  }
  const given = Object.entries(attributes).filter(([, value]) => value !== null)
  const { discarded_at: at, discarded_by: by, discarded_for: why } = row
  return {
    ...{ group: row.consumer_group, id: row.id, reason: row.reason, detail: row.detail },
    ...{ parkedAt: row.parked_at, redriveAt: row.redrive_at ?? undefined },
    discarded: at === null ? undefined : { at, by, why },
    message: {
      ...{ topic, partition, position, partitionKey, body: row.body?.toString() ?? '' },
      ...(Object.fromEntries(given) as Partial<Record<keyof typeof attributes, string>>),
    },
  }
}
