import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { open, readFile, rm, stat, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import type { Binaries } from './binaries.ts'
import type { DataFolder } from './data-folder.ts'
import { EmbeddedPostgresError } from './embedded-error.ts'
import {
  isAlive,
  plainEnvironment,
  postgresProcesses,
  seesEveryProcess,
  signalProcess,
  waitUntil,
} from './processes.ts'

/** What `pg` needs to connect. The port is only part of the socket's name: there is no TCP. */
export type EmbeddedConnection = Readonly<{
  host: string
  port: number
  user: string
  database: string
  ssl: false
}>

/** All that a server needs to be started, over and over. */
export type ServerSetup = Readonly<{
  data: DataFolder
  binaries: Binaries
  connection: EmbeddedConnection
}>

/** A server that accepts connections. */
export type Server = Readonly<{
  pid: number
  /** Resolves when it has ended, by whatever means, to what can be said of it. */
  ended: Promise<string>
  stop(): Promise<void>
}>

const readyLimitMs = 30_000
const leftoverLimitMs = 10_000
const fastStopLimitMs = 10_000
const harshStopLimitMs = 5_000
const retryDelayMs = { first: 50, most: 1_000 }
const logBytesMax = 10 * 1024 * 1024
const logTailLines = 5

/**
 * What another server that ended this moment leaves behind for a moment: its lock file, or its
 * shared memory, until the last of its children has noticed.
 */
const passingFault = /lock file ".*" already exists|shared memory block .* is still in use/

/**
 * Starts the server and waits until a connection succeeds. What is left of an earlier one on the
 * same data is ended first: its owner is dead, or we would not own the folder.
 *
 * @throws {EmbeddedPostgresError} `server-not-started`, with the last lines of the server's log.
 * @throws the signal's reason when it is aborted; nothing is left running.
 */
export async function startServer(setup: ServerSetup, signal: AbortSignal): Promise<Server> {
  const deadlineMs = performance.now() + leftoverLimitMs
  for (let delayMs = retryDelayMs.first; ; delayMs = Math.min(delayMs * 2, retryDelayMs.most)) {
    await endLeftovers(setup)
    const attempt = await tryStart(setup, signal)
    if ('pid' in attempt) return attempt
    if (!passingFault.test(attempt.fault) || performance.now() + delayMs > deadlineMs) {
      throw new EmbeddedPostgresError(
        'server-not-started',
        `PostgreSQL did not start on ${setup.data.folder}: ${attempt.fault}`,
      )
    }
    await delay(delayMs, undefined, { signal })
  }
}

/** Empties the log if it has grown too long. The server goes on writing at its new end. */
export async function boundLog({ log }: DataFolder): Promise<void> {
  if ((await logBytes(log)) > logBytesMax) await truncate(log)
}

async function tryStart(
  setup: ServerSetup,
  signal: AbortSignal,
): Promise<Server | { fault: string }> {
  await boundLog(setup.data)
  const logStart = await logBytes(setup.data.log)
  const server = await spawnServer(setup)
  let faultOfConnect: string | undefined = 'no connection was tried'
  let ended: string | undefined
  void server.ended.then((how) => {
    ended = how
  })
  await waitUntil(async () => {
    if (ended !== undefined || signal.aborted) return true
    faultOfConnect = await connectFault(setup.connection)
    return faultOfConnect === undefined
  }, readyLimitMs)
  if (faultOfConnect === undefined && ended === undefined && !signal.aborted) return server
  await server.stop()
  signal.throwIfAborted()
  const said = await logTail(setup.data.log, logStart)
  return { fault: said || `${ended ?? `not ready within ${readyLimitMs} ms`}: ${faultOfConnect}` }
}

/**
 * Detached and in the root folder: Ctrl-C in the terminal does not reach it, we stop it when our
 * own work is done.
 */
async function spawnServer({ data, binaries, connection }: ServerSetup): Promise<Server> {
  const log = await open(data.log, 'a', 0o600)
  const settings = serverSettings(connection).flatMap((setting) => ['-c', setting])
  const child = spawn(join(binaries.folder, 'bin', 'postgres'), ['-D', data.pgData, ...settings], {
    ...data.account,
    cwd: '/',
    detached: true,
    env: plainEnvironment,
    stdio: ['ignore', log.fd, log.fd],
  })
  const ended = new Promise<string>((resolve) => {
    child.once('exit', (code, signal) => resolve(`ended by ${signal ?? `exit code ${code}`}`))
    child.once('error', (error) => resolve(`not spawned: ${error.message}`))
  })
  // 'spawn' and 'error' exclude each other; `ended` tells of the latter.
  await once(child, 'spawn').catch(() => undefined)
  await log.close()
  const { pid = 0 } = child
  return { pid, ended, stop: () => stopChild(pid, ended) }
}

function serverSettings({ host, port }: EmbeddedConnection): string[] {
  return [
    // No TCP at all: nobody connects who cannot pass the socket's folder, so no password is needed.
    'listen_addresses=',
    `unix_socket_directories="${host.replaceAll('"', '""')}"`,
    'unix_socket_permissions=0700',
    `port=${port}`,
    'max_connections=100',
    'shared_buffers=128MB',
    'fsync=on',
    'timezone=UTC',
    'log_timezone=UTC',
    'logging_collector=off',
    // The client is told of its errors. In the log, statements that lost a race would fill the
    // disk, and show what users sent.
    'log_min_messages=log',
    'log_checkpoints=off',
  ]
}

async function stopChild(pid: number, ended: Promise<string>): Promise<void> {
  // A pid that has ended may be another program's.
  if (await settles(ended, 0)) return
  for (const [signal, limitMs] of stopSignals(fastStopLimitMs)) {
    signalProcess(pid, signal)
    if (await settles(ended, limitMs)) return
  }
}

/** Fast (open transactions are rolled back), at once (recovery follows at the next start), hard. */
function stopSignals(fastLimitMs: number): [NodeJS.Signals, number][] {
  return [
    ['SIGINT', fastLimitMs],
    ['SIGQUIT', harshStopLimitMs],
    ['SIGKILL', harshStopLimitMs],
  ]
}

async function settles(promise: Promise<unknown>, limitMs: number): Promise<boolean> {
  const timer = new AbortController()
  const late = delay(limitMs, false, { signal: timer.signal }).catch(() => false)
  const isSettled = await Promise.race([promise.then(() => true), late])
  timer.abort()
  return isSettled
}

/** Ends what an earlier server left: itself, children that outlived it, lock files of nobody. */
async function endLeftovers({ data: { pgData }, connection }: ServerSetup): Promise<void> {
  const lockFile = join(pgData, 'postmaster.pid')
  const named = Number.parseInt(await readFile(lockFile, 'utf8').catch(() => ''), 10)
  const found = await postgresProcesses(pgData, named)
  const server = found.filter((pid) => pid === named)
  const children = found.filter((pid) => pid !== named)
  for (const [signal, limitMs] of stopSignals(harshStopLimitMs)) {
    for (const pid of server) signalProcess(pid, signal)
    if (await waitUntil(() => allEnded(server), limitMs)) break
  }
  // Without their server they end by themselves, unless they are busy.
  if (!(await waitUntil(() => allEnded(children), harshStopLimitMs))) {
    for (const pid of children) signalProcess(pid, 'SIGKILL')
    await waitUntil(() => allEnded(children), harshStopLimitMs)
  }
  // The pid in a lock file may be another program's by now, or a zombie's that nobody reaps (in a
  // container, for ever): PostgreSQL takes either for a server and would not start.
  if (seesEveryProcess && (await postgresProcesses(pgData, named)).length === 0) {
    await rm(lockFile, { force: true })
    await rm(join(connection.host, `.s.PGSQL.${connection.port}.lock`), { force: true })
  }
}

async function allEnded(pids: readonly number[]): Promise<boolean> {
  return !(await Promise.all(pids.map(isAlive))).includes(true)
}

/** Why a connection fails; undefined when it succeeds. */
async function connectFault(connection: EmbeddedConnection): Promise<string | undefined> {
  const client = new pg.Client({ ...connection, connectionTimeoutMillis: 2_000 })
  // A server that dies while we ask is seen by the query's rejection.
  client.on('error', () => undefined)
  try {
    await client.connect()
    await client.query('select 1')
    return undefined
  } catch (error) {
    return (error as Error).message
  } finally {
    await client.end().catch(() => undefined)
  }
}

async function logBytes(log: string): Promise<number> {
  return (await stat(log).catch(() => ({ size: 0 }))).size
}

async function logTail(log: string, fromByte: number): Promise<string> {
  const said = (await readFile(log)).subarray(fromByte).toString().trim().split('\n')
  return said.slice(-logTailLines).join('\n')
}
