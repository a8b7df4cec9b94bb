import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { placesOf } from './data-folder.ts'
import { isAlive } from './processes.ts'
import type { EmbeddedConnection } from './server.ts'

/**
 * The server that another process runs on a data folder, for those who want to look into it beside
 * that process; undefined where none is running. Starts and makes nothing.
 */
export async function findRunning(
  folder: string,
  explicit: boolean,
): Promise<EmbeddedConnection | undefined> {
  for (const place of placesOf(folder, explicit)) {
    // PostgreSQL's own note: its process, data, start, port, the folder of its socket.
    const note = await readFile(join(place, 'postgres', 'postmaster.pid'), 'utf8').catch(() => '')
    const [pid, , , , host] = note.split('\n')
    if (host === undefined || host === '' || !(await isAlive(Number(pid)))) continue
    return { host, port: 5432, user: 'semel', database: 'postgres', ssl: false }
  }
  return undefined
}
