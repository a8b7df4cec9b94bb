import { rm } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { findBinaries, usableBinaries } from './embedded/binaries.ts'
import {
  type DataFolder,
  makeCluster,
  makeSocketFolder,
  placeFolder,
} from './embedded/data-folder.ts'
import { claimFolder } from './embedded/owner.ts'
import {
  boundLog,
  type EmbeddedConnection,
  type Server,
  type ServerSetup,
  startServer,
} from './embedded/server.ts'

export { type EmbeddedPostgresCode, EmbeddedPostgresError } from './embedded/embedded-error.ts'
export { findRunning } from './embedded/running.ts'
export type { EmbeddedConnection } from './embedded/server.ts'

/** What {@link startEmbedded} is told. */
export type EmbeddedOptions = Readonly<{
  /** Where data, log and socket go. Made if it is not there. Nothing else may be in it. */
  folder: string
  /**
   * Whether somebody chose the folder. As root, one that the server's user cannot reach is then an
   * error; otherwise the data is put under `/var/lib/semel`, always at the same place for the same
   * folder. Default: false.
   */
  explicit?: boolean
  /** Hears, line by line, what happens that an operator should know. Default: nobody does. */
  say?: (line: string) => void
}>

/** A running PostgreSQL that belongs to this process. */
export type EmbeddedPostgres = Readonly<{
  /** For `pg`. */
  connection: EmbeddedConnection
  /** The same as a URL, for `pg` and for PostgreSQL's own programs. */
  url: string
  /** Where its data really is: see `explicit`. */
  folder: string
  /** The server's process. It changes when the server had to be started again. */
  pid: number
  /** Ends the server (transactions still open are rolled back). Twice does no more than once. */
  stop(): Promise<void>
}>

const restartDelayMs = { first: 50, most: 5_000 }
const logCheckIntervalMs = 60_000

/**
 * Starts a PostgreSQL of our own and resolves when it takes connections: about a second with a new
 * folder, a tenth of one later. The binaries come from npm; nothing has to be installed.
 *
 * There is no TCP and no password: the server listens on a socket in a folder that only its own
 * user (and root) can pass. As root it runs as uid 65534, or as whoever owns the data.
 *
 * Data outlives everything: `fsync` is on, and what a crash of this process, of the server or of
 * both leaves behind is cleared up by the next start. While this process lives, a server that ends
 * by itself is started again, for as long as it takes, at most every 5 s. A folder has one owner.
 *
 * Not promised: that the server ends with a process that is killed without `stop()`; the next start
 * on the folder ends it. The log, `postgres.log` in the folder, is emptied when it passes 10 MB.
 *
 * @throws {EmbeddedPostgresError} with one of its codes; nothing is left running.
 *
 * @example
 * const postgres = await startEmbedded({ folder: '.semel' })
 * const pool = new pg.Pool(postgres.connection)
 */
export async function startEmbedded(options: EmbeddedOptions): Promise<EmbeddedPostgres> {
  const { folder, explicit = false, say = () => undefined } = options
  const found = await findBinaries()
  const data = await placeFolder({ folder, explicit, say })
  const giveBack = await claimFolder(data.folder)
  try {
    const setup = await prepare(data, found, say)
    const keeper = await keepRunning(setup, say)
    const stop = async () => {
      await keeper.stop()
      await rm(setup.connection.host, { recursive: true, force: true })
      await giveBack()
    }
    let stopped: Promise<void> | undefined
    return {
      connection: setup.connection,
      url: urlOf(setup.connection),
      folder: data.folder,
      get pid() {
        return keeper.pid()
      },
      stop: () => {
        stopped ??= stop()
        return stopped
      },
    }
  } catch (error) {
    await giveBack()
    throw error
  }
}

async function prepare(
  data: DataFolder,
  found: Awaited<ReturnType<typeof findBinaries>>,
  say: (line: string) => void,
): Promise<ServerSetup> {
  const binaries = await usableBinaries(found, data.account, say)
  await makeCluster(data, binaries)
  const host = await makeSocketFolder(data)
  const connection = { host, port: 5432, user: 'semel', database: 'postgres', ssl: false } as const
  return { data, binaries, connection }
}

/** Starts the server, and starts it again whenever it ends without having been told to. */
async function keepRunning(setup: ServerSetup, say: (line: string) => void) {
  const stopping = new AbortController()
  let server = await startServer(setup, stopping.signal)
  const logCheck = setInterval(() => {
    // A full disk is PostgreSQL's to report; the next check comes in a minute.
    boundLog(setup.data).catch(() => undefined)
  }, logCheckIntervalMs).unref()
  const watch = async () => {
    while (!stopping.signal.aborted) {
      const how = await server.ended
      if (stopping.signal.aborted) return
      say(`PostgreSQL (process ${server.pid}) ${how}: starting it again`)
      const next = await restart(setup, say, stopping.signal)
      if (next === undefined) return
      server = next
      say(`PostgreSQL is back (process ${server.pid})`)
    }
  }
  const watched = watch()
  const stop = async () => {
    stopping.abort()
    clearInterval(logCheck)
    await server.stop()
    await watched
    // It may have come back at this very moment.
    await server.stop()
  }
  return { pid: () => server.pid, stop }
}

/** Tries until it succeeds; undefined when it was told to stop. Says the first reason only. */
async function restart(
  setup: ServerSetup,
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<Server | undefined> {
  let lastFault: string | undefined
  for (let delayMs = restartDelayMs.first; ; delayMs = Math.min(delayMs * 2, restartDelayMs.most)) {
    try {
      return await startServer(setup, signal)
    } catch (error) {
      if (signal.aborted) return undefined
      // Whatever it is (a full disk, no memory), it may pass, and nobody else would try again.
      const fault = (error as Error).message
      if (lastFault === undefined) say(fault)
      lastFault = fault
    }
    await delay(delayMs, undefined, { signal }).catch(() => undefined)
  }
}

function urlOf({ host, port, user, database }: EmbeddedConnection): string {
  return `postgresql://${user}@/${database}?host=${encodeURIComponent(host)}&port=${port}`
}
