import { commandId, localOperator, messageId } from '@semel/commands'
import { commands } from '@semel/contracts/catalogue'
import type { Delivered } from '@semel/topics'
import { expect, it } from 'vitest'
import { deciderOf, groups, judgedBy } from '../src/readings.ts'

const id = messageId(commandId(localOperator, 'tell', 'h:1'), 0, new Date(0))

it.each(commands)(
  '$operation on $topic is carried to one group alone, in the log that groups share',
  ({ topic = '', operation, example }) => {
    const body = JSON.stringify({ key: 'h:1', input: example })
    const message: Delivered = {
      ...{ topic, type: operation, id, partition: 0, position: 0, partitionKey: 'k', body },
      ...{ time: '2026-11-21T08:30:00.000Z', scope: localOperator, source: 'gateway' },
    }
    const carried = commandId(localOperator, operation, 'h:1')

    // With two, whoever is first decides, and the other would take it for done.
    const carriers = groups.filter(({ group }) => {
      const judged = judgedBy(group, message)
      return judged.kind === 'command' && judged.command.id === carried
    })

    expect(carriers.map(({ group }) => group)).toEqual([deciderOf(operation)])
  },
)
