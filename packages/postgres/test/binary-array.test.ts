import { uuidArray } from '@semel/postgres'
import { testDatabase } from '@semel/postgres/testing'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

describe('an array of UUIDs', () => {
  it('arrives at the server as it was written, in any letter case', async () => {
    const { pool } = await testDatabase([])
    const cased = fc.tuple(fc.uuid(), fc.boolean())
    const uuids = cased.map(([uuid, upper]) => (upper ? uuid.toUpperCase() : uuid))

    await fc.assert(
      fc.asyncProperty(fc.array(uuids, { maxLength: 20 }), async (values) => {
        const { rows } = await pool.query('select $1::uuid[]::text[] as came', [uuidArray(values)])

        expect(rows[0].came).toEqual(values.map((value) => value.toLowerCase()))
      }),
      { numRuns: 30 },
    )
  })

  it('has the bytes that the digits spell, without the dashes', () => {
    fc.assert(
      fc.property(fc.uuid(), (value) => {
        const bytes = uuidArray([value]).subarray(-16)

        expect(bytes.toString('hex')).toBe(value.replaceAll('-', ''))
      }),
    )
  })

  it.each([
    '',
    '018f0000-0000-7000-8000-00000000000',
    '018f0000-0000-7000-8000-0000000000012',
    '018f0000-0000-7000-8000-00000000000g',
    '018f0000-0000-7000-8000-00000000000é',
    '018f0000-0000-7000-8000-00000000000\uff10',
    '018f00000000700080000000000000010000',
    '018f000-00000-7000-8000-000000000001',
    '018f0000-0000-7000-8000 000000000001',
    '{18f0000-0000-7000-8000-00000000001}',
  ])('refuses what is no UUID: "%s"', (value) => {
    expect(() => uuidArray(['018f0000-0000-7000-8000-000000000001', value])).toThrow(
      `not a UUID: "${value}"`,
    )
  })
})
