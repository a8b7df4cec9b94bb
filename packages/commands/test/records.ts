import { type CommandRecord, commandId, fingerprintOf, serviceScope } from '@semel/commands'

const scope = serviceScope('cache')

/** A decided command with an answer of so many bytes, replayable for so long from now. */
export function decided(key: string, { size = 40, replayableMs = 60_000 } = {}): CommandRecord {
  const decidedAt = new Date()
  return {
    id: commandId(scope, 'cache', key),
    scope,
    operation: 'cache',
    key: `h:${key}`,
    fingerprint: fingerprintOf('cache', { key }),
    answer: { status: 201, headers: { location: `/${key}` }, body: Buffer.alloc(size, key) },
    decidedAt,
    replayableUntil: new Date(decidedAt.getTime() + replayableMs),
  }
}
