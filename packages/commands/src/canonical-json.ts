/**
 * Writes a JSON value in the one form that RFC 8785 gives it: members sorted by UTF-16 code units,
 * no white space, numbers and strings as ECMAScript writes them.
 *
 * @throws TypeError for what JSON cannot carry: a number that is not finite, an unpaired surrogate,
 * a value that is no JSON at all.
 */
export function canonicalJson(value: unknown): string {
  if (typeof value === 'string') return text(value)
  if (typeof value === 'boolean' || value === null) return String(value)
  if (typeof value === 'number') return number(value)
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  if (typeof value !== 'object') throw new TypeError(`JSON has no ${typeof value}`)
  const members = Object.keys(value)
    .filter((name) => value[name as keyof typeof value] !== undefined)
    .sort()
    .map((name) => `${text(name)}:${canonicalJson(value[name as keyof typeof value])}`)
  return `{${members.join(',')}}`
}

function text(value: string): string {
  if (!value.isWellFormed()) throw new TypeError('JSON text holds an unpaired surrogate')
  return JSON.stringify(value)
}

function number(value: number): string {
  if (!Number.isFinite(value)) throw new TypeError(`JSON has no ${value}`)
  return JSON.stringify(value)
}
