import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { describe, expect, it } from 'vitest'

/** The house rules of CONTRIBUTING.md that a machine can keep. */

const root = new URL('..', import.meta.url).pathname
const tracked = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
  cwd: root,
  encoding: 'utf8',
})
  .split('\n')
  .filter((file) => file !== '' && existsSync(root + file))
const sources = tracked.filter((file) => /\.(ts|mjs)$/.test(file))
const ours = sources.filter((file) => !/(^|\/)test\//.test(file))
const text = (file: string) => readFileSync(root + file, 'utf8')
const lines = (file: string) => text(file).split('\n')

/** Which room a file is in: `packages/http`, `services/orders`, `contracts`, `cli`. */
function roomOf(file: string): string {
  const [first, second] = file.split('/')
  return ['packages', 'services', 'examples'].includes(first!) ? `${first}/${second}` : first!
}

const roomsByName = new Map(
  tracked
    .filter((file) => basename(file) === 'package.json' && dirname(file) !== '.')
    .map((file) => [JSON.parse(text(file)).name as string, dirname(file)]),
)

function importsOf(file: string): string[] {
  const found = text(file).matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)
  return [...found].map(([, name]) => name!)
}

/** The package a specifier names: `@semel/commands/memory` names `@semel/commands`. */
function packageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
}

const mayImport: Record<string, RegExp> = {
  'packages/contract': /^$/,
  'packages/postgres': /^$/,
  'packages/runtime': /^packages\/(commands|http|postgres|topics)$/,
  'packages/commands': /^packages\/(contract|postgres)$/,
  'packages/topics': /^packages\/(commands|contract|postgres)$/,
  'packages/http': /^packages\/(commands|contract)$/,
  contracts: /^packages\/contract$/,
  services: /^(packages\/.*|contracts)$/,
  cli: /^(packages\/.*|services\/.*|contracts)$/,
  examples: /^packages\/.*$/,
  charts: /^(packages\/contract|contracts|cli)$/,
  benchmarks: /.*/,
  simulation: /.*/,
  parts: /^$/,
}

describe('the house', () => {
  it('lets a room import only the rooms it may', () => {
    const wrong = ours.flatMap((file) => {
      const room = roomOf(file)
      const allowed = mayImport[room] ?? mayImport[room.split('/')[0]!]
      if (allowed === undefined) return []
      return importsOf(file)
        .map((specifier) => roomsByName.get(packageOf(specifier)))
        .filter((target) => target !== undefined && target !== room && !allowed.test(target))
        .map((target) => `${file} imports ${target}`)
    })

    expect(wrong).toEqual([])
  })

  it('never reaches into a room past its exports', () => {
    const wrong = sources.flatMap((file) =>
      importsOf(file)
        .filter((specifier) => specifier.startsWith('../'))
        .filter((specifier) => {
          const target = new URL(specifier, `file:///${file}`).pathname.slice(1)
          return roomOf(target) !== roomOf(file) && !target.startsWith('test/')
        })
        .map((specifier) => `${file}: ${specifier}`),
    )

    expect(wrong).toEqual([])
  })

  it.each([
    ['fastify', /^packages\/http\/src\/fastify\.ts$|^benchmarks\//],
    ['nodemailer', /^services\/notifications\/src\/smtp\.ts$/],
    [
      '@platformatic/kafka',
      /^packages\/topics\/src\/kafka(-admin|-connection|-failures|-group|-positions|-topics)?\.ts$/,
    ],
    ['pg', /^packages\/postgres\/src\/|^benchmarks\//],
    ['@redis/client', /^packages\/commands\/src\/redis\.ts$/],
    ['prom-client', /^packages\/runtime\/src\/metrics\.ts$/],
    ['undici', /^packages\/commands\/src\/registry\.ts$|^services\/gateway\/src\/upstream\.ts$/],
    ['jose', /^packages\/http\/src\/callers\.ts$/],
    ['vitest', /conformance\.ts$|testing\.ts$|^vitest\.config\.ts$/],
  ])('imports %s only where it is at home', (name, home) => {
    const wrong = ours.filter(
      (file) => !home.test(file) && importsOf(file).some((one) => packageOf(one) === name),
    )

    expect(wrong).toEqual([])
  })

  it('keeps drivers out of the cores of commands and topics', () => {
    const ofPostgres =
      /(-store|append|postgres-transport|position-writer|ownership|publisher|retention|take-part)\.ts$/
    const wrong = ours
      .filter((file) => /^packages\/(commands|topics)\/src\//.test(file))
      .filter((file) => !ofPostgres.test(file))
      .filter((file) => importsOf(file).some((name) => packageOf(name) === '@semel/postgres'))

    expect(wrong).toEqual([])
  })

  it('writes SQL only in sql.ts, stores, the outbox and the PostgreSQL package', () => {
    const statement =
      /\b(select\s+[\w*(].*\sfrom|insert\s+into|update\s+\w+\s+set|delete\s+from|create\s+table)\b/
    const home =
      /(^|\/)sql\.ts$|-store\.ts$|^packages\/topics\/src\/append\.ts$|^packages\/postgres\/|^(benchmarks|examples)\//
    const wrong = ours.filter((file) => !home.test(file) && statement.test(code(file)))

    expect(wrong).toEqual([])
  })

  it('reads the environment only in main.ts, the CLI, the benchmarks and the parts', () => {
    const home = /(^|\/)main\.ts$|^(cli|benchmarks|parts)\//
    const wrong = ours.filter((file) => !home.test(file) && /process\.env/.test(code(file)))

    expect(wrong).toEqual([])
  })

  it('names no file or folder after nothing', () => {
    const nothing =
      /(^|\/)(utils?|common|helpers?|shared|misc|managers?|base|data|info|types|lib)(\.\w+)?(\/|$)/

    expect(tracked.filter((file) => nothing.test(file))).toEqual([])
  })

  it('keeps files within 300 lines, and lines within 100 columns', () => {
    const long = ours.filter((file) => lines(file).length > 301).map((file) => `${file}: long`)
    const wide = ours.flatMap((file) =>
      lines(file).flatMap((line, index) =>
        line.length > 100 && (isComment(line) || !line.includes('`'))
          ? [`${file}:${index + 1}`]
          : [],
      ),
    )

    expect([...long, ...wide]).toEqual([])
  })

  it('keeps the example app within 80 lines, so that it stays one page', () => {
    expect(lines('examples/tickets/src/tickets.ts').length - 1).toBeLessThanOrEqual(80)
  })

  it('keeps functions within 70 lines', () => {
    const wrong = ours.flatMap((file) =>
      functionsOf(file)
        .filter(({ length }) => length > 70)
        .map(({ name, length }) => `${file}: ${name} has ${length} lines`),
    )

    expect(wrong).toEqual([])
  })

  it('documents every public export of a package', () => {
    const wrong = ours
      .filter((file) => /^packages\/[^/]+\/src\//.test(file) && basename(file) !== 'index.ts')
      .flatMap((file) => undocumentedIn(file).map((name) => `${file}: ${name}`))

    expect(wrong).toEqual([])
  })

  it('leaves no note to itself, and no test that is switched off or alone', () => {
    const note = new RegExp(
      `\\b(${['TO', 'FIX'].join('DO|')}ME)\\b|\\b(it|describe|test)\\.only\\(`,
    )

    expect(sources.filter((file) => note.test(text(file)))).toEqual([])
  })

  it('pins its dependencies, and its lockfile names no host', () => {
    const loose = tracked
      .filter((file) => basename(file) === 'package.json')
      .flatMap((file) => {
        const { dependencies, devDependencies } = JSON.parse(text(file))
        return Object.entries({ ...dependencies, ...devDependencies } as Record<string, string>)
          .filter(([name, range]) => !name.startsWith('@semel/') && !/^\d/.test(range))
          .map(([name, range]) => `${file}: ${name} ${range}`)
      })
    const hosts = /"resolved": "(https?|git)/.test(text('package-lock.json'))

    expect(loose).toEqual([])
    expect(hosts).toBe(false)
  })

  it('has migrations that say that they only add do no more', () => {
    const takes =
      /\b(drop|rename|truncate|delete from|alter column|create unique|add (constraint|check|unique|primary|foreign))\b/
    const isMore = (sql: string) =>
      takes.test(sql) || (/\badd\b.*\bnot null\b/.test(sql) && !/\bdefault\b/.test(sql))
    const statementsIn = (sql: string) => sql.toLowerCase().replaceAll(/--.*$/gm, '').split(/[;,]/)
    const moreIn = (sql: string) =>
      sql.startsWith('-- additive\n') && statementsIn(sql).some(isMore)

    expect(moreIn('-- additive\nalter table a add b text, add c int not null default 1')).toBe(
      false,
    )
    expect(moreIn('-- additive\nalter table a add b text, drop c')).toBe(true)
    expect(moreIn('-- additive\nalter table a add b text not null')).toBe(true)
    const migrations = tracked.filter((file) => /\/migrations\/\w+\.sql$/.test(file))
    expect(migrations.filter((file) => moreIn(text(file)))).toEqual([])
  })
})

/** The text of a file without its comments. */
function code(file: string): string {
  return text(file).replaceAll(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '')
}

/** Functions by their form: the formatter puts the closing brace below the first letter. */
function functionsOf(file: string): { name: string; length: number }[] {
  const all = lines(file)
  return all.flatMap((line, start) => {
    const found = /^(\s*)(?:export )?(?:default )?(?:async )?function\s*\*?\s*(\w+)/.exec(line)
    if (found === null) return []
    const end = all.findIndex((other, index) => index >= start && other === `${found[1]}}`)
    return [{ name: found[2]!, length: end - start + 1 }]
  })
}

function isComment(line: string): boolean {
  return /^\s*(\/\*\*|\*|\/\/)/.test(line)
}

function undocumentedIn(file: string): string[] {
  const all = lines(file)
  return all.flatMap((line, index) => {
    const name = /^export (?:async |abstract )?(?:function|class|interface|type|const) (\w+)/.exec(
      line,
    )?.[1]
    const before = all[index - 1]?.trim() ?? ''
    // A problem's explanation is its documentation, for users too.
    if (line.endsWith('= problem({')) return []
    return name === undefined || before.endsWith('*/') || before.startsWith('// biome-ignore')
      ? []
      : [name]
  })
}
