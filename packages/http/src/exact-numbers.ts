import { carriable, type Fault } from '@semel/contract'

// Only a literal with an exponent, or of 16 characters and more, can be read as a number that is
// written otherwise. White space and digits can match in one place only: one pass, whatever comes.
const suspect = /(?:^|[:[,])[ \t\n\r]*-?(?:[\d.]{16}|[\d.]+[eE])/
const literal = /^-?(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/

/**
 * The numbers of a JSON text that would be read as others: written with more digits than a double
 * carries, or too small. To read them would make one command of two bodies. However a number is
 * spelled (`1e3`, `1000.0`), it is the same number.
 *
 * The text must be JSON that {@link carriable} finds nothing against. Where no literal is suspect,
 * as nearly always, it is searched once; else it is parsed again.
 */
export function inexactNumbers(text: string): readonly Fault[] {
  if (!suspect.test(text)) return []
  // Infinity marks the places: nothing else in the text is beyond the numbers JSON can carry.
  const marked: unknown = JSON.parse(text, (_name, value: unknown, read?: { source?: string }) =>
    typeof value === 'number' && !isExact(read!.source!, value) ? Number.POSITIVE_INFINITY : value,
  )
  const detail = 'cannot be carried as exactly as it is written'
  return carriable(marked).map(({ pointer }) => ({ pointer, detail }))
}

/** Whether a number is written back as the value that its literal has. */
function isExact(source: string, number: number): boolean {
  const sent = decimal(source)
  const read = decimal(String(number))
  return sent.digits === read.digits && sent.exponent === read.exponent
}

/** A literal as digits without zeros at their ends, times a power of ten. */
function decimal(source: string): Readonly<{ digits: string; exponent: number }> {
  const [, whole = '', fraction = '', exponent = '0'] = literal.exec(source)!
  const rising = `${whole}${fraction}`.replace(/^0+/, '')
  const digits = withoutZerosBehind(rising)
  if (digits === '') return { digits, exponent: 0 }
  return { digits, exponent: Number(exponent) - fraction.length + rising.length - digits.length }
}

/** A pattern for this tries every run of zeros anew: 64 KiB of them would take a second. */
function withoutZerosBehind(digits: string): string {
  let end = digits.length
  while (end > 0 && digits[end - 1] === '0') end -= 1
  return digits.slice(0, end)
}
