import { createHmac } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

/** What we read of a collection. */
export type Item = Readonly<{
  name: string
  item?: readonly Item[]
  request?: { url: { raw: string } }
}>
export type Collection = Readonly<{
  info: { name: string; schema: string }
  item: readonly Item[]
  variable: readonly { key: string; value: string }[]
}>

/** What we read of a run. newman brings no types. */
type Execution = Readonly<{
  item: { name: string }
  assertions?: readonly { assertion: string; error?: { message: string } }[]
}>
type Failure = Readonly<{ source?: { name: string }; error: { test?: string; message: string } }>
export type Run = Readonly<{ executions: readonly Execution[]; failures: readonly Failure[] }>
type Newman = Readonly<{
  run(
    options: Readonly<Record<string, unknown>>,
    done: (error: Error | null, summary: { run: Run }) => void,
  ): void
}>

const newman: Newman = createRequire(import.meta.url)('newman')
const folder = new URL('../postman/', import.meta.url)

/** Every collection there is. */
export const collections = readdirSync(folder)
  .filter((file) => file.endsWith('.postman_collection.json'))
  .map((file): Collection => JSON.parse(readFileSync(new URL(file, folder), 'utf8')))

/** Runs a collection, or one folder of it. */
export function runCollection(
  collection: Collection,
  variables: Readonly<Record<string, string>>,
  only?: string,
): Promise<Run> {
  const envVar = Object.entries(variables).map(([key, value]) => ({ key, value }))
  const options = { collection, envVar, reporters: [], timeoutRequest: 10_000, folder: only }
  return new Promise((resolve, reject) => {
    newman.run(options, (error, summary) => (error ? reject(error) : resolve(summary.run)))
  })
}

/** Everything that went wrong, scripts and connections included, as lines to read. */
export function failuresOf({ failures }: Run): string[] {
  return failures.map(({ source, error }) =>
    [source?.name, error.test, error.message].filter(Boolean).join(': '),
  )
}

/** The token of somebody who may act for all. */
export function operatorToken(secret: string): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const exp = Math.floor(Date.now() / 1000) + 600
  const claims = part({ sub: 'postman', role: 'operator', exp })
  const signed = `${part({ alg: 'HS256', typ: 'JWT' })}.${claims}`
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`
}
