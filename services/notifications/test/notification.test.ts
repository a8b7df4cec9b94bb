import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { notificationText, type StoredNotification } from '../src/notification.ts'
import { carry, memoryNotifications, wantedBy } from './wanted.ts'

describe('what a user is told', () => {
  const { input } = wantedBy(1, { order: 41 })

  it('is happiness for a paid order, and grief for a declined one', () => {
    expect(notificationText(input)).toBe('Order 1041 is paid: 9.00 EUR.')
    expect(notificationText({ ...input, kind: 'grief' })).toBe(
      'Order 1041 is declined: your account does not cover 9.00 EUR.',
    )
  })

  it.each([
    [5, 'EUR', '0.05 EUR'],
    [100, 'EUR', '1.00 EUR'],
    [900, 'JPY', '900 JPY'],
    [5, 'KWD', '0.005 KWD'],
    [Number.MAX_SAFE_INTEGER, 'EUR', '90071992547409.91 EUR'],
  ])('writes %s minor units of %s as %s', (total, currency, written) => {
    expect(notificationText({ ...input, total, currency })).toContain(` ${written}.`)
  })
})

describe('notifications', () => {
  const asked = fc.record({
    message: fc.integer({ min: 1, max: 6 }),
    order: fc.integer({ min: 1, max: 2 }),
    version: fc.integer({ min: 1, max: 2 }),
    kind: fc.constantFrom('happiness' as const, 'grief' as const),
  })

  it('are one for each version of an order, the first that was wanted, in any history', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(asked, { maxLength: 5 }), { maxLength: 5 }),
        async (all) => {
          const { executor, database } = memoryNotifications()
          const first = new Map<string, string>()

          for (const batch of all) {
            // Of one message there is one content: its number says which order it is about.
            const commands = batch.map(({ message, order, version, kind }) =>
              wantedBy(message * 100 + order * 10 + version, { order, version, kind }),
            )
            await carry(executor, commands)
            for (const { input } of commands) {
              const subject = `${input.orderId} ${input.orderVersion}`
              if (!first.has(subject)) first.set(subject, input.kind)
            }
          }

          const stored = [...(database.tables.get('notifications')?.entries() ?? [])]
          const kinds = stored.map(([id, row]) => [id, (row as StoredNotification).kind] as const)
          expect(new Map(kinds)).toEqual(first)
        },
      ),
      { numRuns: 300 },
    )
  })

  it('stay as they are when their topic is read from its start, the command log gone', async () => {
    const { executor, database } = memoryNotifications()
    const all = [1, 2, 3].map((n) => wantedBy(n, { order: n, kind: 'grief' }))
    await carry(executor, all)
    const before = new Map(database.tables.get('notifications'))

    database.tables.get('commands')?.clear()
    await carry(executor, all)

    expect(database.tables.get('notifications')).toEqual(before)
    expect(before.size).toBe(3)
  })
})
