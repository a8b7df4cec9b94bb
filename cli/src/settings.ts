import type { TObject } from 'typebox'
import { configSchema } from './config.ts'
import { usageError } from './operator-error.ts'
import { jsonOf, tableOf } from './print.ts'
import { processes } from './processes.ts'

/** A variable as the process with a name reads it. */
type Variable = Readonly<{
  name: string
  meaning: string
  unit: string | null
  /** Whether the process does not start without it. */
  required: boolean
  default: string | number | boolean | null
  /** What is set now, secrets masked. */
  set: string | null
}>

type Property = Readonly<{
  description: string
  unit?: string
  default?: string | number | boolean
  secret?: 'all' | 'password'
}>
type Env = Readonly<Record<string, string | undefined>>

/** What each process is configured by; `start` is the whole system in one. */
const schemas: Readonly<Record<string, TObject>> = {
  start: configSchema,
  ...processes,
}

/**
 * What a process can be told and has been told, for people or as JSON; every process's where none
 * is named.
 *
 * @throws {OperatorError} `usage`, where there is no such process.
 */
export function showSettings(process: string | undefined, env: Env, json: boolean): string {
  if (process !== undefined && !Object.hasOwn(schemas, process)) {
    const known = Object.keys(schemas).join(', ')
    throw usageError(`there is no process "${process}" (known are ${known})`)
  }
  const chosen = process === undefined ? Object.keys(schemas) : [process]
  const found = chosen.map((name) => ({ process: name, variables: variablesOf(name, env) }))
  if (json) return jsonOf(found)
  const columns = ['variable', 'set', 'default', 'unit', 'meaning']
  const tables = found.map(({ process: name, variables }) => {
    const rows = variables.map((one) => [
      one.name,
      one.set,
      one.required ? 'required' : one.default === null ? null : String(one.default),
      one.unit,
      one.meaning,
    ])
    return `${name}\n${tableOf(columns, rows)}`
  })
  return tables.join('\n')
}

/** Every variable there is as a file of an environment, in which nothing is set: `.env.example`. */
export function envExample(): string {
  const read = Object.keys(schemas).flatMap((process) =>
    variablesOf(process, {}).map((variable) => ({ process, variable })),
  )
  const entries = Map.groupBy(read, ({ variable }) => variable.name)
  const blocks = [...entries].map(([name, readers]) => {
    const names = readers.map(({ process }) => process).join(', ')
    const meanings = new Set(readers.map(({ variable: { meaning } }) => `# ${meaning}\n`))
    const usual = new Set(readers.map(({ variable }) => String(variable.default ?? '')))
    const lines = [...usual].map((value) => `#${name}=${value}\n`)
    return `${[...meanings].join('')}# read by ${names}\n${lines.join('')}`
  })
  return `# Printed by: npx semel config --env\n\n${blocks.join('\n')}`
}

function variablesOf(process: string, env: Env): readonly Variable[] {
  const schema = schemas[process]!
  return Object.entries(schema.properties).map(([name, described]) => {
    const property = described as unknown as Property
    const { description, unit, default: usual } = property
    const isRequired = (schema.required ?? []).includes(name) && usual === undefined
    const shown = { name, meaning: description, unit: unit ?? null, required: isRequired }
    return { ...shown, default: usual ?? null, set: masked(property, env[name] || undefined) }
  })
}

function masked({ secret }: Property, value: string | undefined): string | null {
  if (value === undefined) return null
  if (secret === undefined) return value
  return secret === 'password' ? withoutPassword(value) : '***'
}

/** Host, user and database of a URL; where it cannot be read, nothing. */
function withoutPassword(value: string): string {
  if (!URL.canParse(value)) return '***'
  const url = new URL(value)
  if (url.password !== '') url.password = '***'
  if (url.searchParams.has('password')) url.searchParams.set('password', '***')
  return url.href
}
