import { readFileSync } from 'node:fs'
import { stringify } from 'yaml'
import { kafkaValues, postgresValues, redisValues, topicsValues } from './part-values.ts'
import { printSchema, printTable, printValues, type Value } from './print.ts'
import { serviceValues } from './service-values.ts'
import { pathsOf, usualOf, variablesOf } from './settings.ts'
import { services, umbrellaValues } from './umbrella-values.ts'

const own: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  ...Object.fromEntries(services.map((name) => [name, serviceValues(name)])),
  topics: topicsValues,
  postgres: postgresValues,
  redis: redisValues,
  kafka: kafkaValues,
  semel: umbrellaValues,
}

const begins = '<!-- values: npm run charts -->'
const ends = '<!-- /values -->'

/** Every file of the charts that is printed, by its path below this workspace. */
export function printedFiles(): ReadonlyMap<string, string> {
  const files = Object.entries(own).flatMap(([chart, described]) => {
    const values = described as Readonly<Record<string, Value>>
    return [
      [`${chart}/values.yaml`, printValues(values)],
      [`${chart}/values.schema.json`, printSchema(values)],
      [`${chart}/README.md`, withTable(read(`${chart}/README.md`), printTable(values))],
    ] as const
  })
  const processes = [...services, 'topics'].map(
    (chart) => [`${chart}/process.yaml`, printProcess(chart)] as const,
  )
  return new Map([...files, ...processes])
}

/** What templates have to know of a process. */
function printProcess(chart: string): string {
  const { settings, secrets } = variablesOf(chart)
  const names = (variables: readonly Readonly<{ name: string }>[]) =>
    variables.map(({ name }) => name)
  const process = {
    settings: names(settings),
    secrets: names(secrets),
    usual: usualOf(chart),
    paths: chart === 'topics' ? [] : pathsOf(chart),
  }
  const head =
    '# Printed by: npm run charts. What the process reads, what it is told, what it shows.\n'
  return `${head}${stringify(process)}`
}

function withTable(readme: string, table: string): string {
  const [before, after] = [readme.split(begins)[0]!, readme.split(ends)[1] ?? '\n']
  return `${before}${begins}\n\n${table}\n\n${ends}${after}`
}

function read(file: string): string {
  return readFileSync(new URL(`../${file}`, import.meta.url), 'utf8')
}
