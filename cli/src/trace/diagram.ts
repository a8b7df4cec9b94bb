import { printable } from '@semel/runtime'
import type { Hop } from './life.ts'

/** Who may take part, from left to right; others follow by name. */
const usualOrder = ['client', 'gateway', 'orders', 'billing', 'notifications', 'messages']
const gap = 4

/** A life as a sequence diagram of plain characters: times in milliseconds since its first hop. */
export function diagramOf(hops: readonly Hop[]): string {
  const names = participantsOf(hops)
  const columns = columnsOf(names)
  const start = Number(hops[0]?.at ?? 0)
  const times = hops.map(({ at }) => String(Number(at) - start))
  const timeWidth = Math.max(2, ...times.map((time) => time.length))
  const heading = names.map((name) => name.padEnd(widthOf(name))).join('')
  const rows = hops.map((hop, index) => {
    const arrow = arrowOf(columns, names.indexOf(hop.from), names.indexOf(hop.to))
    return `${times[index]!.padStart(timeWidth)}  ${arrow}  ${labelOf(hop, start)}`
  })
  return `${[`${'ms'.padStart(timeWidth)}  ${heading}`, ...rows]
    .map((line) => printable(line).trimEnd())
    .join('\n')}\n`
}

function participantsOf(hops: readonly Hop[]): readonly string[] {
  const taking = new Set(hops.flatMap(({ from, to }) => [from, to]))
  const others = [...taking].filter((name) => !usualOrder.includes(name)).sort()
  return [...usualOrder.filter((name) => taking.has(name)), ...others]
}

/** Where each lifeline stands: below the middle of its name. */
function columnsOf(names: readonly string[]): readonly number[] {
  let left = 0
  return names.map((name) => {
    const at = left + Math.floor(name.length / 2)
    left += widthOf(name)
    return at
  })
}

function widthOf(name: string): number {
  return name.length + gap
}

function arrowOf(columns: readonly number[], from: number, to: number): string {
  const width = (columns.at(-1) ?? 0) + 1
  const line: string[] = Array.from({ length: width }, (_, at) =>
    columns.includes(at) ? '|' : ' ',
  )
  const [left, right] = [columns[Math.min(from, to)]!, columns[Math.max(from, to)]!]
  line.fill('-', left + 1, right)
  if (from < to) line[right - 1] = '>'
  if (from > to) line[left + 1] = '<'
  return line.join('')
}

function labelOf({ what, detail, decidedAt, at }: Hop, start: number): string {
  const isLater = decidedAt !== null && Number(decidedAt) !== Number(at)
  return `${what}: ${detail}${isLater ? ` at ${Number(decidedAt) - start}` : ''}`
}
