import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { EmbeddedConnection } from '@semel/postgres/embedded'
import { faultsOf } from './check.ts'
import type { Databases } from './databases.ts'
import { pgbenchScript } from './pgbench-sql.ts'
import { findProgram, runProgram } from './program.ts'
import { pgbenchStore } from './stores.ts'

/** What pgbench counted. It tells a mean latency, no percentiles. */
export type Benched = Readonly<{ rate: number; meanMs: number; transactions: number }>

/** pgbench with a database of its own. */
export type Pgbench = Readonly<{
  /** Runs for a while on empty tables and says what is wrong with what it left there. */
  run(seconds: number): Promise<{ benched: Benched; faults: readonly string[] }>
}>

/** As many as pgbench needs to keep two cores busy. */
export const pgbenchClients = 32
const graceMs = 20_000

/** Makes (c) ready; undefined where pgbench is not installed. */
export async function openPgbench(databases: Databases): Promise<Pgbench | undefined> {
  const file = await findPgbench()
  if (file === undefined) return undefined
  const store = await pgbenchStore(databases)
  const scriptFile = join(databases.folder, 'create.pgbench')
  await writeFile(scriptFile, pgbenchScript)
  return {
    async run(seconds) {
      await store.clear()
      const since = new Date()
      const benched = await runPgbench(file, store.connection, { seconds, scriptFile })
      const counted = await store.count(since)
      // It waits for its last transactions: what it counted is what there is.
      const faults = faultsOf(counted, { answered: benched.transactions, unansweredMax: 0 })
      return { benched, faults }
    },
  }
}

/** On the PATH, or where Debian puts it, newest first. */
async function findPgbench(): Promise<string | undefined> {
  const root = '/usr/lib/postgresql'
  const versions = await readdir(root).catch(() => [])
  const newestFirst = versions.toSorted((one, other) => Number(other) - Number(one))
  return findProgram(
    'pgbench',
    newestFirst.map((version) => join(root, version, 'bin')),
  )
}

async function runPgbench(
  file: string,
  { host, port, user, database }: EmbeddedConnection,
  { seconds, scriptFile }: { seconds: number; scriptFile: string },
): Promise<Benched> {
  const where = ['-h', host, '-p', String(port), '-U', user]
  const how = ['-n', '-M', 'prepared', '-c', String(pgbenchClients), '-j', '2', '-T', `${seconds}`]
  const args = [...where, ...how, '-f', scriptFile, database]
  return readPgbench(await runProgram(file, args, seconds * 1000 + graceMs))
}

/** Reads pgbench's own report. */
export function readPgbench(output: string): Benched {
  const find = (pattern: RegExp) => {
    const found = pattern.exec(output)?.[1]
    if (found === undefined) throw new Error(`pgbench told no ${pattern.source}:\n${output}`)
    return Number(found)
  }
  return {
    rate: find(/^tps = ([\d.]+)/m),
    meanMs: find(/^latency average = ([\d.]+) ms/m),
    transactions: find(/^number of transactions actually processed: (\d+)/m),
  }
}
