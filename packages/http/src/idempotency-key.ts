import { lowerUuid } from '@semel/contract'

/** What a request says of its idempotency key. */
export type ParsedKey =
  | Readonly<{ kind: 'key'; key: string }>
  | Readonly<{ kind: 'absent' }>
  | Readonly<{ kind: 'malformed'; detail: string }>

const keyLengthMax = 255
const visible = /^[\x21-\x7e]+$/
const quoted = /^"((?:[\x20-\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"$/

/**
 * Reads the header field `Idempotency-Key`.
 *
 * A structured-field string (`"abc"`, RFC 8941) and the bare form (`abc`) are the same key. After
 * parsing it has 1 to 255 visible ASCII characters. Two lines, a list or parameters are malformed.
 * A UUID is put in lower case, as the same UUID may be written in either.
 */
export function parseIdempotencyKey(header: string | undefined): ParsedKey {
  if (header === undefined) return { kind: 'absent' }
  const key = header.startsWith('"') ? unquoted(header) : bare(header)
  if (key === undefined) {
    return malformed('must be one key: bare without " , and ; or one whole quoted string')
  }
  if (key.length === 0 || key.length > keyLengthMax) {
    return malformed(`must have 1 to ${keyLengthMax} characters`)
  }
  // Two lines arrive joined by a comma and a space: even where they look like one quoted string
  // together, the space gives them away.
  if (!visible.test(key)) return malformed('may hold visible ASCII characters only, and no space')
  return { kind: 'key', key: lowerUuid(key) }
}

function unquoted(header: string): string | undefined {
  return quoted.exec(header)?.[1]?.replaceAll(/\\(.)/g, '$1')
}

function bare(header: string): string | undefined {
  return /[",;]/.test(header) ? undefined : header
}

function malformed(detail: string): ParsedKey {
  return { kind: 'malformed', detail }
}
