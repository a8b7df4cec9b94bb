import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type EmbeddedConnection, startEmbedded } from '@semel/postgres/embedded'
import pg from 'pg'
import { median } from './report.ts'

/** One PostgreSQL for a benchmark, in a folder that goes with it. */
export type Databases = Readonly<{
  /** For files that go with it, too. */
  folder: string
  admin: pg.Client
  version: string
  /** The server's process: all others of it are its children. */
  pid: number
  /** Makes a database; `settings` hold for every session on it. */
  make(name: string, settings?: Readonly<Record<string, number>>): Promise<EmbeddedConnection>
  /** A connection that is ended with the others. */
  connect(connection: EmbeddedConnection): Promise<pg.Client>
  close(): Promise<void>
}>

/**
 * Starts PostgreSQL as `npm start` does, with the same settings, and, where that is asked for, with
 * the time of every commit kept.
 */
export async function openDatabases(
  say: (line: string) => void,
  { keepsCommitTimes = false } = {},
): Promise<Databases> {
  const folder = await mkdtemp(join(tmpdir(), 'semel-bench-'))
  // The server does not run as root and has to get here.
  await chmod(folder, 0o755)
  const start = () => startEmbedded({ folder: join(folder, 'data'), explicit: true, say })
  let server = await start()
  if (keepsCommitTimes) {
    await keepCommitTimes(server.connection)
    await server.stop()
    server = await start()
  }
  const clients: pg.Client[] = []
  const connect = async (connection: EmbeddedConnection) => {
    const client = new pg.Client(connection)
    clients.push(client)
    await client.connect()
    return client
  }
  const admin = await connect(server.connection)
  const { rows } = await admin.query('show server_version')
  return {
    folder,
    admin,
    connect,
    version: rows[0].server_version,
    pid: server.pid,
    async make(name, settings = {}) {
      await admin.query(`create database ${name}`)
      for (const [setting, value] of Object.entries(settings)) {
        await admin.query(`alter database ${name} set ${setting} = ${value}`)
      }
      return { ...server.connection, database: name }
    },
    async close() {
      await Promise.all(clients.map((client) => client.end()))
      await server.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** It takes a restart to come into effect. */
async function keepCommitTimes(connection: EmbeddedConnection): Promise<void> {
  const client = new pg.Client(connection)
  await client.connect()
  await client.query('alter system set track_commit_timestamp = on')
  await client.end()
}

/** How long one small commit takes, in milliseconds: the median of 50. */
export async function measureCommitMs(client: pg.Client): Promise<number> {
  await client.query('create table commits (number integer)')
  const times: number[] = []
  for (let number = 0; number < 50; number += 1) {
    const startMs = performance.now()
    await client.query('insert into commits values ($1)', [number])
    times.push(performance.now() - startMs)
  }
  await client.query('drop table commits')
  return median(times)
}
