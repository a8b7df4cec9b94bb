import { spawn } from 'node:child_process'
import { readdir, readFile, readlink } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'

/** Who a program runs as; undefined for "as we do". Only root can name another. */
export type Account = Readonly<{ uid: number; gid: number }> | undefined

const pollIntervalMs = 25
const outputBytesMax = 16_384

/**
 * What programs of ours get to see of the environment: nothing of it. Messages come in English,
 * PG... variables of the user change nothing, and the product's secrets stay with the product.
 */
export const plainEnvironment = { LC_ALL: 'C', TZ: 'UTC' } as const

/** Runs a program to its end: its exit code, and the end of what it said. Never throws. */
export function runProgram(
  file: string,
  args: readonly string[],
  account: Account,
): Promise<{ succeeded: boolean; output: string }> {
  const ran = new Promise<{ succeeded: boolean; output: string }>((resolve) => {
    // Detached, so that Ctrl-C in the terminal does not tear it down half-way.
    const child = spawn(file, args, {
      ...account,
      cwd: '/',
      detached: true,
      env: plainEnvironment,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let output = ''
    const hear = (chunk: Buffer) => {
      output = `${output}${chunk}`.slice(-outputBytesMax)
    }
    child.stdout.on('data', hear)
    child.stderr.on('data', hear)
    child.once('error', (error) => resolve({ succeeded: false, output: error.message }))
    child.once('close', (code) => resolve({ succeeded: code === 0, output }))
  })
  return ran.catch((error: Error) => ({ succeeded: false, output: error.message }))
}

/** Whether the account may pass through a folder: asked of the system, which knows of ACLs too. */
export async function canEnter(folder: string, account: Account): Promise<boolean> {
  return (await runProgram('/bin/sh', ['-c', 'cd -- "$0"', folder], account)).succeeded
}

/** Whether a process runs. A zombie does not: nobody may be there to reap it. */
export async function isAlive(pid: number): Promise<boolean> {
  if (process.platform === 'linux') {
    const state = (await processStat(pid))?.[0]
    return state !== undefined && state !== 'Z' && state !== 'X'
  }
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/**
 * What tells a process from a later one with the same pid: the machine's boot and the process's
 * start within it. Linux only; undefined elsewhere, and where there is no such process.
 */
export async function processStart(pid: number): Promise<string | undefined> {
  if (process.platform !== 'linux') return undefined
  const ticks = (await processStat(pid))?.[19]
  if (ticks === undefined) return undefined
  return `${(await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim()} ${ticks}`
}

/** Whether {@link postgresProcesses} finds a server's children too, and a server nobody named. */
export const seesEveryProcess = process.platform === 'linux'

/** The processes of a PostgreSQL on this data directory; `named` is what its lock file names. */
export async function postgresProcesses(pgData: string, named: number): Promise<number[]> {
  if (!seesEveryProcess) return (await isServerByCommand(named, pgData)) ? [named] : []
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number)
  const found = await Promise.all(pids.map((pid) => isPostgresOf(pid, pgData)))
  return pids.filter((_, index) => found[index])
}

/** Waits until a condition holds; false when it did not within the limit. */
export async function waitUntil(holds: () => Promise<boolean>, limitMs: number): Promise<boolean> {
  const deadlineMs = performance.now() + limitMs
  while (!(await holds())) {
    if (performance.now() > deadlineMs) return false
    await delay(pollIntervalMs)
  }
  return true
}

/** Sends a signal; a process that has ended meanwhile is no fault. */
export function signalProcess(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/** The fields of /proc/<pid>/stat from the state on: a program's name may hold anything. */
async function processStat(pid: number): Promise<string[] | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined)
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')
}

/** A PostgreSQL server and all its children work in their data directory, whatever its path is. */
async function isPostgresOf(pid: number, pgData: string): Promise<boolean> {
  const folder = await readlink(`/proc/${pid}/cwd`).catch(() => undefined)
  if (folder !== pgData) return false
  const name = await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '')
  return name.trim() === 'postgres'
}

async function isServerByCommand(pid: number, pgData: string): Promise<boolean> {
  if (!Number.isSafeInteger(pid)) return false
  const { output } = await runProgram('/bin/ps', ['-o', 'command=', '-p', String(pid)], undefined)
  return output.includes('postgres') && output.includes(pgData)
}
