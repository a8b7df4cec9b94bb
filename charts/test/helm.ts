import { execFile, spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { resolve } from 'node:path'
import { describe } from 'vitest'
import { parseAllDocuments, stringify } from 'yaml'
import { type Stored, withApiServer } from './api-server.ts'
import type { Manifest } from './manifests.ts'

/**
 * What is to be rendered: a chart with values, as an installation or an upgrade, on a cluster that
 * has what is stored, or without asking any.
 */
export type Case = Readonly<{
  chart: string
  release?: string
  values?: Readonly<Record<string, unknown>>
  upgrade?: boolean
  stored?: readonly Stored[]
}>

/** The rest of Helm's world, in which nothing is called as it usually is. */
export const namespace = 'elsewhere'

export const folder = new URL('..', import.meta.url).pathname

export const charts = readdirSync(folder, { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && !['src', 'test', 'node_modules'].includes(entry.name))
  .map(({ name }) => name)

/**
 * A suite that needs Helm and kubernetes-validate. Where the machine has none, it is skipped, and
 * its title says why; under `CI=true` it runs all the same, and fails.
 */
export function describeWithHelm(title: string, suite: () => void): void {
  const lacks = process.env.CI === 'true' ? undefined : whatLacks()
  describe.skipIf(lacks !== undefined)(lacks === undefined ? title : `${title} (${lacks})`, suite)
}

/** What a chart becomes. */
export async function render(one: Case): Promise<readonly Manifest[]> {
  const values = stringify(one.values ?? {})
  const printed =
    one.stored === undefined
      ? await helm(templateOf(one), values)
      : await withApiServer(one.stored, (url) =>
          helm([...templateOf(one), ...cluster, '--kube-apiserver', url], values),
        )
  return parseAllDocuments(printed)
    .map((document) => document.toJS() as Manifest | null)
    .filter((manifest) => manifest !== null)
}

/** Why a chart is not rendered. */
export async function refusalOf(one: Case): Promise<string> {
  const refused = await render(one).then(
    () => undefined,
    (error: Error) => error.message,
  )
  if (refused === undefined) throw new Error(`rendered: ${JSON.stringify(one)}`)
  return refused
}

/** What Helm says after an installation. */
export async function notesOf(one: Case): Promise<string> {
  const [, ...args] = templateOf(one)
  const said = await withApiServer(one.stored ?? [], (url) =>
    helm(['install', ...args, ...cluster, '--kube-apiserver', url], stringify(one.values ?? {})),
  )
  return said.slice(said.indexOf('\nNOTES:'))
}

/** Runs Helm in the folder of charts, to what it prints; rejects with what it complains of. */
export function helm(args: readonly string[], input = ''): Promise<string> {
  return run('helm', args, input)
}

/** Runs a program in the folder of charts, likewise. */
export function run(program: string, args: readonly string[], input = ''): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { cwd: folder, maxBuffer: 64 * 1024 * 1024 }
    const child = execFile(program, args, options, (error, stdout, stderr) => {
      if (error === null) resolve(stdout)
      else reject(new Error(`${program} ${args.join(' ')}\n${stdout}${stderr}`))
    })
    // A program that refuses may end before it has read it all.
    child.stdin?.on('error', () => undefined).end(input)
  })
}

/** What has Helm ask a cluster, in which it changes nothing, and whatever is there is its own. */
const cluster = ['--dry-run=server', '--disable-openapi-validation', '--take-ownership']

function templateOf({ chart, release = 'shop', upgrade = false }: Case): readonly string[] {
  return [
    ...['template', release, resolve(folder, chart), '--namespace', namespace, '--values', '-'],
    ...(upgrade ? ['--is-upgrade'] : []),
  ]
}

function whatLacks(): string | undefined {
  const missing = (
    [
      ['helm', 'version'],
      ['kubernetes-validate', '--version'],
    ] as const
  ).filter(([program, arg]) => spawnSync(program, [arg]).status !== 0)
  if (missing.length === 0) return undefined
  return `this machine has no ${missing.map(([program]) => program).join(' and no ')}`
}
