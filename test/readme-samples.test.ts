import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { testDatabase } from '@semel/postgres/testing'
import { describe, expect, it } from 'vitest'

/** Samples that go on where another one ends. */
const before: Readonly<Record<string, readonly string[]>> = {
  commands: ['contract'],
  http: ['contract', 'commands'],
}

describe('the sample in the README of', () => {
  it.each(['contract', 'commands', 'http', 'postgres', 'topics', 'runtime'])(
    '%s runs, and prints what it says',
    async (name) => {
      const { connection } = await testDatabase([])
      const samples = [...(before[name] ?? []), name].map(sampleOf)
      const { host, user, database, port } = connection
      const url = `postgresql://${user}@/${database}?host=${encodeURIComponent(host)}&port=${port}`

      const { stdout } = await promisify(execFile)(
        process.execPath,
        ['--input-type=module-typescript', '--eval', samples.map(({ code }) => code).join('\n')],
        { cwd: new URL('..', import.meta.url), env: { ...process.env, DATABASE_URL: url } },
      )

      expect(stdout).toBe(samples.map(({ output }) => output).join(''))
    },
  )
})

/** The code of a README's sample, and the output that follows it. */
function sampleOf(name: string): { code: string; output: string } {
  const readme = readFileSync(new URL(`../packages/${name}/README.md`, import.meta.url), 'utf8')
  const found = /```ts\n([\s\S]*?)```\n\n```text\n([\s\S]*?)```/.exec(readme)
  if (found === null) throw new Error(`the README of ${name} has no sample with its output`)
  return { code: found[1]!, output: found[2]! }
}
