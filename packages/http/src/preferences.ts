/** What a client would like, of the preferences (RFC 7240) that are known here. */
export type Preferences = Readonly<{
  /** `lenient`: a key that was used for another request gets that request's answer. */
  handling: 'strict' | 'lenient' | undefined
  /** The client would rather have a receipt now than wait for the answer. */
  respondAsync: boolean
}>

const none: Preferences = { handling: undefined, respondAsync: false }
const token = "[!#$%&'*+.^_`|~0-9A-Za-z-]+"
const word = `(?:${token}|"(?:[^"\\\\]|\\\\.)*")`
const parameter = `;[ \\t]*(?:${token}[ \\t]*(?:=[ \\t]*(?:${word}[ \\t]*)?)?)?`
const named = `(${token})[ \\t]*(?:=[ \\t]*(?:(${word})[ \\t]*)?)?(?:${parameter})*`
// One element of the list, up to its comma. White space can match in one place only: a field that
// is malformed is found out in one pass, however it was contrived.
const element = new RegExp(`[ \\t]*(?:${named})?(?:,|$)`, 'y')

/**
 * Reads the header field `Prefer`. What is unknown is ignored, as RFC 7240 asks, and so is all that
 * follows something malformed; of a preference that is given twice, the first counts.
 */
export function parsePreferences(header: string | undefined): Preferences {
  if (header === undefined) return none
  const found = new Map<string, string>()
  element.lastIndex = 0
  for (let match = element.exec(header); match !== null; match = nextIn(header)) {
    const [, name, value = ''] = match
    if (name === undefined || found.has(name.toLowerCase())) continue
    found.set(name.toLowerCase(), unquoted(value).toLowerCase())
  }
  const handling = found.get('handling')
  return {
    handling: handling === 'lenient' || handling === 'strict' ? handling : undefined,
    respondAsync: found.get('respond-async') === '',
  }
}

function nextIn(header: string): RegExpExecArray | null {
  return element.lastIndex < header.length ? element.exec(header) : null
}

function unquoted(value: string): string {
  return value.startsWith('"') ? value.slice(1, -1).replaceAll(/\\(.)/g, '$1') : value
}
