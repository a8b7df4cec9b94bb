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
const parameter = `(?:\\s*;\\s*(?:${token}(?:\\s*=\\s*${word})?)?)*`
const preference = new RegExp(`^\\s*(${token})(?:\\s*=\\s*(${word}))?${parameter}\\s*$`)

/**
 * Reads the header field `Prefer`. What is unknown or malformed is ignored, as RFC 7240 asks; of a
 * preference that is given twice, the first counts.
 */
export function parsePreferences(header: string | undefined): Preferences {
  if (header === undefined) return none
  const found = new Map<string, string>()
  for (const part of splitOutsideQuotes(header)) {
    const [, name, value = ''] = preference.exec(part) ?? []
    if (name === undefined || found.has(name.toLowerCase())) continue
    found.set(name.toLowerCase(), unquoted(value).toLowerCase())
  }
  const handling = found.get('handling')
  return {
    handling: handling === 'lenient' || handling === 'strict' ? handling : undefined,
    respondAsync: found.get('respond-async') === '',
  }
}

function splitOutsideQuotes(list: string): readonly string[] {
  return list.match(/(?:[^,"]|"(?:[^"\\]|\\.)*"|")+/g) ?? []
}

function unquoted(value: string): string {
  return value.startsWith('"') ? value.slice(1, -1).replaceAll(/\\(.)/g, '$1') : value
}
