import { processes } from '@semel/cli/src/processes.ts'
import { topicsCreateSchema } from '@semel/cli/src/topics-create.ts'
import { owners } from '@semel/contracts/catalogue'
import { type TObject, Type } from 'typebox'

// Which variables a chart passes on to its process: what the process itself says that it reads.

/** A variable as a chart can be told it. */
export type Variable = Readonly<{ name: string; schema: Readonly<Record<string, unknown>> }>

/** What a chart passes on: in the clear, or from Secrets. */
export type Variables = Readonly<{ settings: readonly Variable[]; secrets: readonly Variable[] }>

const schemas: Readonly<Record<string, TObject>> = {
  // Its variables come first in the values of the umbrella.
  gateway: processes.gateway!,
  ...processes,
  topics: topicsCreateSchema,
}

/** What charts say themselves, because pods, Services and probes have to agree about it. */
const fixed = new Set([
  ...['PORT', 'HOST', 'METRICS_PORT', 'METRICS_HOST', 'SHUTDOWN_DELAY_SECONDS'],
  ...['SEMEL_MIGRATE', 'SEMEL_WAIT_SECONDS'],
])

/** For us alone, not for those who look at a schema. */
const ours = ['errorMessage', 'secret', 'unit', 'default', 'description']

/** What the chart with a name passes on to its process. */
export function variablesOf(chart: string): Variables {
  return split(schemas[chart]!)
}

/** What any of them passes on. */
export function allVariables(): Variables {
  const all = Object.values(schemas).map(({ properties }) => properties)
  return split(Type.Object(Object.assign({}, ...all)))
}

/** Where clients of a service send what it offers: the first segments of its paths. */
export function pathsOf(chart: string): readonly string[] {
  const owned = Object.entries(owners).filter(([name]) => chart === 'gateway' || chart === name)
  const paths = owned.flatMap(([, { commands, queries }]) =>
    [...commands, ...queries].map(({ path }) => `/${path.split('/')[1]}`),
  )
  return [...new Set([...paths, '/openapi.json', '/problems'])].sort()
}

/** What it is told unless told otherwise: templates, as it follows from the names of releases. */
export function usualOf(chart: string): Readonly<Record<string, string>> {
  if (chart === 'topics') return { KAFKA_BROKERS: `${neighbour('kafka')}:9092` }
  if (chart !== 'gateway') return {}
  const names = Object.keys(owners)
  return Object.fromEntries(
    names.map((name) => [`${name.toUpperCase()}_URL`, `http://${neighbour(name)}`]),
  )
}

function neighbour(chart: string): string {
  return `{{ include "service.neighbour" (list . "${chart}") }}`
}

function split(schema: TObject): Variables {
  const variables = Object.entries(schema.properties)
    .filter(([name]) => !fixed.has(name))
    .map(([name, described]) => ({ name, described: described as Record<string, unknown> }))
  return {
    settings: variables
      .filter(({ described }) => described.secret === undefined)
      .map(({ name, described }) => ({ name, schema: inValues(described) })),
    secrets: variables
      .filter(({ described }) => described.secret !== undefined)
      .map(({ name, described }) => ({ name, schema: { description: described.description } })),
  }
}

/** Texts may also be empty, or templates, which become what they must be when rendered. */
function inValues(described: Record<string, unknown>): Record<string, unknown> {
  const { description } = described
  const kept = Object.entries(described).filter(
    ([name]) => !(ours.includes(name) || name.startsWith('~')),
  )
  const { pattern, ...schema } = Object.fromEntries(kept)
  if (pattern === undefined) return { description, ...schema }
  return { description, type: 'string', anyOf: [{ pattern }, { pattern: '^$|\\{\\{.*\\}\\}' }] }
}
