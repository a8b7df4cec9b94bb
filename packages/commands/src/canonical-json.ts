/**
 * Writes a JSON value in the one form that RFC 8785 gives it: members sorted by UTF-16 code units,
 * no white space, numbers and strings as ECMAScript writes them. Members that are undefined are
 * left out.
 *
 * @throws TypeError for what JSON cannot carry: a number that is not finite, an unpaired surrogate,
 * a value that is no JSON at all.
 */
export function canonicalJson(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return text(value)
    case 'number':
      return number(value)
    case 'boolean':
      return value ? 'true' : 'false'
    case 'object':
      if (value === null) return 'null'
      return Array.isArray(value) ? list(value) : members(value as Record<string, unknown>)
    default:
      throw new TypeError(`JSON has no ${typeof value}`)
  }
}

// Loops: this is done for every command, and arrays of parts took twice as long.
function list(values: readonly unknown[]): string {
  let written = ''
  for (const value of values) {
    if (written !== '') written += ','
    written += canonicalJson(value)
  }
  return `[${written}]`
}

function members(values: Readonly<Record<string, unknown>>): string {
  let written = ''
  for (const name of Object.keys(values).sort()) {
    const value = values[name]
    if (value === undefined) continue
    if (written !== '') written += ','
    written += `${text(name)}:${canonicalJson(value)}`
  }
  return `{${written}}`
}

/** Printable ASCII but for `"` and `\`: text that needs no escapes, and has no surrogates. */
const plain = /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/

function text(value: string): string {
  if (plain.test(value)) return `"${value}"`
  if (!value.isWellFormed()) throw new TypeError('JSON text holds an unpaired surrogate')
  return JSON.stringify(value)
}

/** ECMAScript writes -0 as 0. */
function number(value: number): string {
  if (!Number.isFinite(value)) throw new TypeError(`JSON has no ${value}`)
  return String(value)
}
