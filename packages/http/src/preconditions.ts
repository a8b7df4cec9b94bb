/** What `If-Match` asks for. `strong` holds the strong entity tags, quotes included. */
export type IfMatch =
  | Readonly<{ kind: 'absent' }>
  | Readonly<{ kind: 'any' }>
  | Readonly<{ kind: 'tags'; strong: readonly string[] }>
  | Readonly<{ kind: 'malformed' }>

// One element of a list, up to its comma. White space can match in one place only: a list that is
// no list is found out in one pass, however it was contrived.
const element = /[ \t]*(?:((?:W\/)?"[\x21\x23-\x7e\x80-\xff]*")[ \t]*)?(?:,|$)/y

/**
 * Reads the header field `If-Match` (RFC 9110, section 13.1.1). Weak tags never match strongly and
 * are left out: a list of nothing else comes back with no tags at all.
 */
export function parseIfMatch(header: string | undefined): IfMatch {
  if (header === undefined) return { kind: 'absent' }
  if (header.trim() === '*') return { kind: 'any' }
  const tags = tagsIn(header)
  if (tags === undefined) return { kind: 'malformed' }
  return { kind: 'tags', strong: tags.filter((tag) => !tag.startsWith('W/')) }
}

/**
 * Whether `If-None-Match` names the entity tag, by weak comparison: the client has it already. A
 * malformed field names nothing, and the client gets the whole answer.
 */
export function namesTag(ifNoneMatch: string | undefined, etag: string): boolean {
  if (ifNoneMatch === undefined) return false
  if (ifNoneMatch.trim() === '*') return true
  return tagsIn(ifNoneMatch)?.some((tag) => opaque(tag) === opaque(etag)) === true
}

/** The tags of a list that has at least one; undefined for anything else. */
function tagsIn(list: string): readonly string[] | undefined {
  const tags: string[] = []
  element.lastIndex = 0
  while (element.lastIndex < list.length) {
    const found = element.exec(list)
    if (found === null) return undefined
    if (found[1] !== undefined) tags.push(found[1])
  }
  return tags.length === 0 ? undefined : tags
}

function opaque(entityTag: string): string {
  return entityTag.startsWith('W/') ? entityTag.slice(2) : entityTag
}
