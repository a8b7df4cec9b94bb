import { hash } from 'node:crypto'
import { canonicalJson } from './canonical-json.ts'

/** What a command asked for, as 32 bytes, and the version of the rule that made them. */
export type Fingerprint = Readonly<{ version: number; hash: Buffer }>

/** How an operation and its input become a fingerprint. */
export type FingerprintRule = (operation: string, input: unknown) => Buffer

/**
 * Every rule that a stored fingerprint may have been made by. A rule is never changed or removed
 * while rows of its version live; a new one gets the next number, which then becomes the default.
 */
export const fingerprintRules: ReadonlyMap<number, FingerprintRule> = new Map([
  [
    1,
    (operation, input) =>
      sha256(`${Buffer.byteLength(operation)}:${operation}${canonicalJson(input)}`),
  ],
])

/** The rule for new commands. */
const fingerprintVersion = 1

/** The fingerprint of an input as it was sent. */
export function fingerprintOf(
  operation: string,
  input: unknown,
  version: number = fingerprintVersion,
  rules: ReadonlyMap<number, FingerprintRule> = fingerprintRules,
): Fingerprint {
  const rule = rules.get(version)
  if (rule === undefined) throw new UnknownFingerprintRule(version)
  return { version, hash: rule(operation, input) }
}

/**
 * A row was written by a newer release: whether a repeat is the same cannot be told here.
 * Code `fingerprint-rule-unknown`. Another replica, or this one after its upgrade, can tell.
 */
export class UnknownFingerprintRule extends Error {
  readonly code = 'fingerprint-rule-unknown'

  constructor(version: number) {
    super(`fingerprint rule ${version} is not known to this release; upgrade it, then retry`)
  }
}

function sha256(text: string): Buffer {
  // By way of a string: asked for a buffer, `hash` takes twice as long (1.6 µs against 0.8 µs).
  return Buffer.from(hash('sha256', text, 'binary'), 'latin1')
}
