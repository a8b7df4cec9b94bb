import type { Static, TObject, TSchema } from 'typebox'
import { IsOptional } from 'typebox'
import { Errors } from 'typebox/value'

/** Options of {@link readConfig}. */
export type ConfigRules<Schema extends TObject> = Readonly<{
  /** Variables that begin with it are ours: one that the schema does not know is refused. */
  prefix: string
  /** Variables of the prefix that other processes read. Default: none. */
  elsewhere?: readonly string[]
  /** What is wrong with values that are valid one by one, as sentences. Default: nothing. */
  check?: (config: Readonly<Static<Schema>>) => readonly string[]
}>

/** The environment does not make a configuration. Code `config-invalid`. */
export class ConfigError extends Error {
  readonly code = 'config-invalid'
  /** One sentence for each thing that is wrong. Values are not repeated: one may be a secret. */
  readonly faults: readonly string[]

  constructor(faults: readonly string[]) {
    super(faults.join('; '))
    this.faults = faults
  }
}

/**
 * Reads a process's configuration: a frozen object with a member for each variable that the schema
 * names, as a whole number, `true` or `false`, or text. An empty variable counts as not set; one
 * that is not set takes the schema's default.
 *
 * A property's `errorMessage` replaces the validator's words.
 *
 * @throws {ConfigError} `config-invalid`, with everything that is wrong at once.
 *
 * @example
 * const schema = Type.Object({ PORT: Type.Integer({ default: 8080, maximum: 65_535 }) })
 * const { PORT } = readConfig(schema, process.env, { prefix: 'SEMEL_' })
 */
export function readConfig<Schema extends TObject>(
  schema: Schema,
  env: Readonly<Record<string, string | undefined>>,
  { prefix, elsewhere = [], check = () => [] }: ConfigRules<Schema>,
): Readonly<Static<Schema>> {
  const read = Object.entries(schema.properties).map(([name, property]) =>
    readVariable(name, property as Property, env[name] || undefined),
  )
  const unknown = unknownFaults(schema, env, prefix, elsewhere)
  const faults = [...unknown, ...read.flatMap(({ fault }) => fault)]
  if (faults.length > 0) throw new ConfigError(faults)
  const given = read.filter(({ value }) => value !== undefined)
  const config = Object.fromEntries(given.map(({ name, value }) => [name, value]))
  const late = check(config as Static<Schema>)
  if (late.length > 0) throw new ConfigError(late)
  return Object.freeze(config) as Readonly<Static<Schema>>
}

/** Every variable with its meaning and its default, a line each: for `--help`. */
export function describeConfig(schema: TObject): string {
  const names = Object.keys(schema.properties)
  const width = Math.max(...names.map((name) => name.length))
  const lines = names.map((name) => {
    const { description = '', default: usual } = schema.properties[name] as Property
    const ending = usual === undefined ? '' : ` (default: ${usual})`
    return `  ${name.padEnd(width)}  ${description}${ending}`
  })
  return lines.join('\n')
}

type Property = TSchema & {
  type?: string
  default?: unknown
  description?: string
  errorMessage?: string
}

type Read = Readonly<{ name: string; value?: unknown; fault: readonly string[] }>

function readVariable(name: string, property: Property, text: string | undefined): Read {
  if (text === undefined) {
    const isFine = property.default !== undefined || IsOptional(property)
    return { name, value: property.default, fault: isFine ? [] : [`${name} has to be set`] }
  }
  const value = parsed(property, text)
  const found = Errors(property, value)
  const said = property.errorMessage ?? [...new Set(found.map(({ message }) => message))].join(', ')
  return { name, value, fault: found.length === 0 ? [] : [`${name} ${said}`] }
}

/** What is no number or no boolean stays text, which the schema then refuses. */
function parsed({ type }: Property, text: string): unknown {
  if (type === 'integer' && /^-?\d{1,15}$/.test(text)) return Number(text)
  if (type === 'boolean' && (text === 'true' || text === 'false')) return text === 'true'
  return text
}

function unknownFaults(
  schema: TObject,
  env: Readonly<Record<string, string | undefined>>,
  prefix: string,
  elsewhere: readonly string[],
): string[] {
  const known = Object.keys(schema.properties)
  return Object.keys(env)
    .filter((name) => name.startsWith(prefix) && ![...known, ...elsewhere].includes(name))
    .map((name) => `${name} is not known (known are ${known.join(', ')})`)
}
