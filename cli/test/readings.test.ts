import { commandId, localOperator, messageId } from '@semel/commands'
import { commands, events } from '@semel/contracts/catalogue'
import type { Delivered } from '@semel/topics'
import { expect, it } from 'vitest'
import { groups, readingOf } from '../src/readings.ts'

const id = messageId(commandId(localOperator, 'tell', 'h:1'), 0)
const told = [
  ...events.map(({ topic, type, example }) => ({ topic, type, body: example })),
  ...commands.map(({ topic, operation, example }) => ({
    topic,
    type: operation,
    body: { key: 'h:1', input: example },
  })),
]

it.each(told)(
  '$type on $topic is one command of at most one group, in the log that they share',
  ({ topic = '', type, body }) => {
    const message: Delivered = {
      ...{ topic, type, id, partition: 0, position: 0, partitionKey: 'k', source: 'orders' },
      ...{ time: '2026-11-21T08:30:00.000Z', scope: localOperator, body: JSON.stringify(body) },
    }

    const readings = groups.map(({ group }) => readingOf(group, message))
    const ids = readings.flatMap((one) => (one.kind === 'command' ? [one.commandId] : []))

    // Two groups with one id: whoever is first decides, and the other would take it for done.
    expect(new Set(ids).size).toBe(ids.length)
  },
)
