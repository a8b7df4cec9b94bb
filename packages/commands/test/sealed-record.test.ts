import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createSeal } from '../src/sealed-record.ts'
import { decided } from './records.ts'

const seal = createSeal('a secret of at least thirty-two bytes')
const record = decided('one')

describe('a sealed record', () => {
  it('is opened under its own id, to the byte', () => {
    expect(seal.opened(record.id, seal.sealed(record))).toEqual(record)
  })

  it('is nothing under the id of another command', () => {
    expect(seal.opened(decided('other').id, seal.sealed(record))).toBeUndefined()
  })

  it('is nothing to whoever has another secret', () => {
    const other = createSeal('another secret of thirty-two bytes or more')

    expect(other.opened(record.id, seal.sealed(record))).toBeUndefined()
  })

  it('is nothing when any one of its bits is another', () => {
    const bytes = seal.sealed(record)
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      const changed = Buffer.from(bytes)
      changed[bit >> 3]! ^= 1 << (bit & 7)

      expect(seal.opened(record.id, changed)).toBeUndefined()
    }
  })

  it('is nothing when it is cut short or made longer', () => {
    const bytes = seal.sealed(record)
    for (let length = 0; length < bytes.length; length += 1) {
      expect(seal.opened(record.id, bytes.subarray(0, length))).toBeUndefined()
    }
    expect(seal.opened(record.id, Buffer.concat([bytes, Buffer.alloc(1)]))).toBeUndefined()
  })

  it('cannot be made of bytes at random', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(seal.opened(record.id, Buffer.from(bytes))).toBeUndefined()
      }),
    )
  })
})
