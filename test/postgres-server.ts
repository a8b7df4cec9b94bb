import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createPool } from '@semel/postgres'
import { startEmbedded } from '@semel/postgres/embedded'
import type { TestProject } from 'vitest/node'

/** One real server for all tests; each makes its own database on it, and leaves it if it fails. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), 'semel-test-'))
  await chmod(folder, 0o755)
  const server = await startEmbedded({ folder: join(folder, 'data'), explicit: true })
  project.provide('testServer', server.connection)
  return async () => {
    const kept = await keptDatabases(server.url)
    await server.stop()
    if (kept.length === 0) return rm(folder, { recursive: true, force: true })
    console.error(`kept ${kept.join(', ')} in ${folder} (npm start with SEMEL_DATA=${folder}/data)`)
  }
}

async function keptDatabases(url: string): Promise<string[]> {
  const pool = createPool({ connection: { url }, connectionsMax: 1 })
  const { rows } = await pool.query("select datname from pg_database where datname like 'test\\_%'")
  await pool.end()
  return rows.map(({ datname }) => datname)
}
