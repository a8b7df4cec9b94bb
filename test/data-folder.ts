import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { chmod, mkdtemp, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createPool, type Pool } from '@semel/postgres'
import { onTestFinished } from 'vitest'

/** Where a product's PostgreSQL keeps its data, and the processes it runs as. */
export type DataFolder = Readonly<{
  path: string
  /** The server's first process. */
  serverPid(): number
  /** All of its processes, where the system tells; else the first one. */
  pids(): number[]
  /** A pool beside the product's own. */
  pool(): Pool
}>

/** Makes a folder for one test's data; what still runs in it at the test's end is killed. */
export async function newDataFolder(): Promise<DataFolder> {
  const parent = await realpath(await mkdtemp(join(tmpdir(), 'semel-product-')))
  // As root, PostgreSQL runs as another user, who must get there.
  await chmod(parent, 0o755)
  const path = join(parent, 'data')
  const serverPid = () =>
    Number(readFileSync(join(path, 'postgres/postmaster.pid'), 'utf8').split('\n')[0])
  const pids = () => (process.platform === 'linux' ? pidsIn(join(path, 'postgres')) : [serverPid()])
  onTestFinished(async () => {
    for (const pid of pidsIn(join(path, 'postgres'))) process.kill(pid, 'SIGKILL')
    await rm(parent, { recursive: true, force: true })
  })
  const pool = () => {
    const connection = { host: join(path, 'run'), user: 'semel', database: 'postgres' }
    const made = createPool({ connection })
    onTestFinished(() => made.end())
    return made
  }
  return { path, serverPid, pids, pool }
}

/** The processes that work in a directory, which all of a PostgreSQL's do; Linux only. */
function pidsIn(directory: string): number[] {
  if (process.platform !== 'linux') return []
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => workingDirectory(pid) === directory)
    .map(Number)
}

function workingDirectory(pid: string): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/cwd`)
  } catch {
    // It ended meanwhile, or is somebody else's.
    return undefined
  }
}
