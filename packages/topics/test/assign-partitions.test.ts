import fc from 'fast-check'
import { expect, it } from 'vitest'
import { assignPartitions, type Member, type TopicPartition } from '../src/assign-partitions.ts'

const partitionsOf = (topic: string, count: number): TopicPartition[] =>
  Array.from({ length: count }, (_, partition) => ({ topic, partition }))

it('who reads a partition keeps it when another one joins, as long as that is fair', () => {
  const all = partitionsOf('a', 4)
  const first: Member = { id: 'z', topics: ['a'], owned: all }
  const second: Member = { id: 'b', topics: ['a'], owned: [] }

  const assigned = assignPartitions([first, second], all)

  expect(assigned.get('z')).toEqual(all.slice(0, 2))
  expect(assigned.get('b')).toEqual(all.slice(2))
})

it('nobody gets a topic that they do not read', () => {
  const members = [
    { id: '1', topics: ['a'], owned: partitionsOf('b', 1) },
    { id: '2', topics: ['a', 'b'], owned: [] },
  ]

  const assigned = assignPartitions(members, [...partitionsOf('a', 1), ...partitionsOf('b', 3)])

  expect(assigned.get('1')!.every(({ topic }) => topic === 'a')).toBe(true)
  expect([...assigned.values()].flat()).toHaveLength(4)
})

it('every partition has one reader, shares differ by one at most, and once fair nothing moves', () => {
  const owned = fc.array(fc.nat(11), { maxLength: 12 })
  fc.assert(
    fc.property(fc.array(owned, { minLength: 1, maxLength: 5 }), fc.nat(12), (claims, count) => {
      const partitions = partitionsOf('a', count)
      const members = claims.map((claim, n) => ({
        ...{ id: `${n}`, topics: ['a'] },
        owned: claim.map((partition) => ({ topic: 'a', partition })),
      }))

      const assigned = assignPartitions(members, partitions)

      const shares = [...assigned.values()].map(({ length }) => length)
      const given = [...assigned.values()].flat().map(({ partition }) => partition)
      expect(given.toSorted((a, b) => a - b)).toEqual(partitions.map(({ partition }) => partition))
      expect(Math.max(...shares) - Math.min(...shares)).toBeLessThanOrEqual(1)
      const settled = members.map((member) => ({ ...member, owned: assigned.get(member.id)! }))
      expect(assignPartitions(settled, partitions)).toEqual(assigned)
    }),
  )
})
