import { isUtf8 } from 'node:buffer'
import { carriable, type Fault } from '@semel/contract'
import { inexactNumbers } from './exact-numbers.ts'
import { type Headers, headerOf, type Refusal } from './exchange.ts'
import { invalid, mediaTypeUnsupported } from './problems.ts'

const jsonType = /^application\/json[ \t]*(;[ \t]*(charset="?utf-8"?[ \t]*)?)?$/i

/** Refuses bodies that are not said to be plain JSON in UTF-8. */
export function judgeMediaType(headers: Headers): Refusal | undefined {
  const encoding = headerOf(headers, 'content-encoding')
  const isPlain = encoding === undefined || encoding.toLowerCase() === 'identity'
  const type = headerOf(headers, 'content-type') ?? ''
  // The usual form is compared first: it spares the pattern.
  const isJson = type === 'application/json' || jsonType.test(type)
  return isPlain && isJson ? undefined : { problem: mediaTypeUnsupported }
}

/**
 * Parses a body that every part of the system can carry unchanged: UTF-8, JSON, nested at most 16
 * levels, without numbers beyond JSON's, U+0000, unpaired surrogates, `__proto__`, members that are
 * named twice (of which parsers keep different ones), or numbers that would be rounded.
 */
export function parseJson(body: Buffer): { value: unknown } | Refusal {
  if (body.length === 0) return atBody('is empty, but must be a JSON object')
  if (!isUtf8(body)) return atBody('is not UTF-8')
  const text = body.toString()
  const parsed = parsedOrUndefined(text)
  if (parsed === undefined) return atBody('is not JSON')
  const faults = carriable(parsed.value)
  if (faults.length > 0) return inBody(faults)
  if (colonsOutsideStrings(text) !== membersIn(parsed.value)) {
    return atBody('holds an object that names a member twice')
  }
  const inexact = inexactNumbers(text)
  return inexact.length > 0 ? inBody(inexact) : parsed
}

function parsedOrUndefined(text: string): { value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) }
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

/** How many members the text names; parsing keeps only one of those with the same name. */
function colonsOutsideStrings(text: string): number {
  let colons = 0
  let inString = false
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at)
    if (code === 0x22) inString = !inString
    else if (code === 0x5c) at += 1
    else if (code === 0x3a && !inString) colons += 1
  }
  return colons
}

function membersIn(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0
  const own = Array.isArray(value) ? 0 : Object.keys(value).length
  return Object.values(value).reduce<number>((sum, member) => sum + membersIn(member), own)
}

function inBody(faults: readonly Fault[]): Refusal {
  return invalid(faults.map((fault) => ({ in: 'body', ...fault })))
}

function atBody(detail: string): Refusal {
  return invalid([{ in: 'body', pointer: '', detail }])
}
