/** What `If-Match` asks for. `strong` holds the strong entity tags, quotes included. */
export type IfMatch =
  | Readonly<{ kind: 'absent' }>
  | Readonly<{ kind: 'any' }>
  | Readonly<{ kind: 'tags'; strong: readonly string[] }>
  | Readonly<{ kind: 'malformed' }>

const tag = '(?:W/)?"[\\x21\\x23-\\x7e\\x80-\\xff]*"'
const tagList = new RegExp(`^[ \\t,]*${tag}(?:[ \\t]*,[ \\t]*(?:${tag})?)*[ \\t]*$`)
const tags = new RegExp(tag, 'g')

/**
 * Reads the header field `If-Match` (RFC 9110, section 13.1.1). Weak tags never match strongly and
 * are left out: a list of nothing else comes back with no tags at all.
 */
export function parseIfMatch(header: string | undefined): IfMatch {
  if (header === undefined) return { kind: 'absent' }
  if (header.trim() === '*') return { kind: 'any' }
  if (!tagList.test(header)) return { kind: 'malformed' }
  const strong = (header.match(tags) ?? []).filter((found) => !found.startsWith('W/'))
  return { kind: 'tags', strong }
}

/**
 * Whether `If-None-Match` names the entity tag, by weak comparison: the client has it already. A
 * malformed field names nothing, and the client gets the whole answer.
 */
export function namesTag(ifNoneMatch: string | undefined, etag: string): boolean {
  if (ifNoneMatch === undefined) return false
  if (ifNoneMatch.trim() === '*') return true
  if (!tagList.test(ifNoneMatch)) return false
  return (ifNoneMatch.match(tags) ?? []).some((found) => opaque(found) === opaque(etag))
}

function opaque(entityTag: string): string {
  return entityTag.startsWith('W/') ? entityTag.slice(2) : entityTag
}
