import { stringify } from 'yaml'

// Values as the three files in which Helm and people look for them.

/** A value: what it means, what it is unless told otherwise, and what it may be. */
export type Value = Readonly<{
  description?: string
  default?: unknown
  properties?: Readonly<Record<string, Value>>
}>

const columns = 100

/** What says `values.yaml`: every value with its default, under what it means. */
export function printValues(values: Readonly<Record<string, Value>>): string {
  const head = '# Printed by: npm run charts. What a value may be is said in values.schema.json.\n'
  const blocks = Object.entries(values).map(([name, value]) => blockOf(name, value, 0))
  return `${head}\n${blocks.join('\n')}`
}

/** What says `values.schema.json`: whatever is told besides is refused by its name. */
export function printSchema(values: Readonly<Record<string, Value>>): string {
  const library = { type: 'object', properties: { global: true }, additionalProperties: false }
  const schema = {
    $schema: 'http://json-schema.org/draft-07/schema#',
    type: 'object',
    properties: {
      ...values,
      enabled: { type: 'boolean', description: 'Whether a chart above installs it' },
      // What Helm tells a library chart of itself.
      service: library,
    },
    required: Object.keys(values).filter((name) => isNeeded(values[name]!)),
    additionalProperties: false,
  }
  return `${JSON.stringify(schema, undefined, 2)}\n`
}

/** What says the README: a row for each value that can be told. */
export function printTable(values: Readonly<Record<string, Value>>): string {
  const rows = leavesOf(values, '').map(
    ([name, { description, default: usual }]) =>
      `| \`${name}\` | \`${JSON.stringify(usual ?? {})}\` | ${description} |`,
  )
  return ['| value | default | meaning |', '|---|---|---|', ...rows].join('\n')
}

function blockOf(name: string, value: Value, depth: number): string {
  const indent = '  '.repeat(depth)
  const comment = wrapped(`-- ${value.description}`, columns - indent.length - 2)
    .map((line) => `${indent}# ${line}\n`)
    .join('')
  if (isGroup(value)) {
    const inner = Object.entries(value.properties!).map(([key, one]) =>
      blockOf(key, one, depth + 1),
    )
    return `${comment}${indent}${name}:\n${inner.join('')}`
  }
  const printed = stringify({ [name]: value.default ?? {} }, { lineWidth: 0, singleQuote: true })
  return `${comment}${printed.replaceAll(/^(?=.)/gm, indent)}`
}

/** A value that is made of values; one with a default of its own is told as a whole. */
function isGroup({ properties, default: usual }: Value): boolean {
  return properties !== undefined && usual === undefined
}

/** What null must not take away: templates do without what is empty or handed on, and no more. */
function isNeeded(value: Value): boolean {
  const { default: usual } = value
  if (typeof usual === 'object') return Array.isArray(usual) && usual.length > 0
  return isGroup(value) || usual !== ''
}

function leavesOf(values: Readonly<Record<string, Value>>, path: string): [string, Value][] {
  return Object.entries(values).flatMap(([name, value]) =>
    isGroup(value) ? leavesOf(value.properties!, `${path}${name}.`) : [[`${path}${name}`, value]],
  )
}

function wrapped(text: string, width: number): string[] {
  const lines: string[] = []
  for (const word of text.split(' ')) {
    const last = lines.at(-1)
    if (last !== undefined && last.length + 1 + word.length <= width) {
      lines[lines.length - 1] = `${last} ${word}`
    } else {
      lines.push(word)
    }
  }
  return lines
}
