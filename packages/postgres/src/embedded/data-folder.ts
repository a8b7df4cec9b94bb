import { hash } from 'node:crypto'
import {
  chmod,
  chown,
  lstat,
  mkdir,
  open,
  readdir,
  readFile,
  realpath,
  rename,
  rm,
  stat,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { type Binaries, majorOf, spareRoot } from './binaries.ts'
import { EmbeddedPostgresError } from './embedded-error.ts'
import { type Account, canEnter, runProgram } from './processes.ts'

/** Where a server's things are, and who it runs as. */
export type DataFolder = Readonly<{
  folder: string
  /** PostgreSQL's own data directory. */
  pgData: string
  /** The file that the server's log is written to. */
  log: string
  account: Account
}>

type Wanted = Readonly<{ folder: string; explicit: boolean; say: (line: string) => void }>

/** `nobody`: PostgreSQL refuses to run as root, and this needs no account to be made. */
const nobody = { uid: 65_534, gid: 65_534 }

/** The kernel keeps 108 bytes for a socket's path (104 on macOS); the name takes 14 to 20. */
const socketPathBytesMax = 100
const socketName = '.s.PGSQL.5432.lock'

/**
 * Makes the folder that was asked for, owned by the user that the server will run as. Where that
 * user cannot get there (root's checkout), a default folder is moved to {@link spareRoot}, and it
 * is said so; an explicit one is an error.
 *
 * @throws {EmbeddedPostgresError} `data-folder-unreachable`, `data-folder-not-ours`
 */
export async function placeFolder({ folder, explicit, say }: Wanted): Promise<DataFolder> {
  const wanted = resolve(folder)
  if (process.getuid?.() !== 0) return madeAs(undefined, wanted)
  const spare = spareOf(wanted)
  const isMoved = !explicit && (await holdsData(spare)) && !(await holdsData(wanted))
  const account = await accountFor(wanted)
  if (!isMoved && (await canEnter(await madeParent(wanted), account))) {
    return madeAs(account, wanted)
  }
  const why = `the server cannot run as root, and its user (uid ${account.uid}) cannot reach`
  if (explicit) {
    throw new EmbeddedPostgresError(
      'data-folder-unreachable',
      `the data folder ${wanted} cannot be used: ${why} it; ` +
        'choose a SEMEL_DATA under folders that are open to others (chmod o+x)',
    )
  }
  say(`${why} ${wanted}: the data is in ${spare}`)
  await mkdir(spareRoot, { recursive: true, mode: 0o755 })
  return madeAs(await accountFor(spare), spare)
}

/** Where the data of a folder can be: there, or for root's default folder at its spare place. */
export function placesOf(folder: string, explicit: boolean): readonly string[] {
  const wanted = resolve(folder)
  return explicit || process.getuid?.() !== 0 ? [wanted] : [wanted, spareOf(wanted)]
}

function spareOf(wanted: string): string {
  return join(spareRoot, hash('sha256', wanted).slice(0, 12))
}

/**
 * Makes a database cluster if there is none, and checks that the one that is there fits. A crash
 * in the middle leaves a folder that no start takes for a cluster.
 *
 * @throws {EmbeddedPostgresError} `data-folder-of-another-version`, `initdb-failed`
 */
export async function makeCluster({ folder, pgData, account }: DataFolder, binaries: Binaries) {
  for (const name of await readdir(folder)) {
    if (name.startsWith('postgres.new')) await rm(join(folder, name), { recursive: true })
  }
  const version = await clusterVersion(pgData)
  if (version !== undefined && version !== majorOf(binaries)) {
    throw new EmbeddedPostgresError(
      'data-folder-of-another-version',
      `the data folder ${folder} was made by PostgreSQL ${version} and this is PostgreSQL ` +
        `${majorOf(binaries)}; move it away to begin anew, or upgrade it with pg_upgrade`,
    )
  }
  if (version !== undefined) return
  const half = join(folder, `postgres.new.${process.pid}`)
  await makePrivate(half, account)
  const { succeeded, output } = await runProgram(
    join(binaries.folder, 'bin', 'initdb'),
    // Nobody gets in but through the socket, and to the socket but through its folder.
    [
      '--locale=C',
      '--encoding=UTF8',
      '--username=semel',
      '--auth-local=trust',
      '--auth-host=reject',
    ].concat(['--no-instructions', '--pgdata', half]),
    account,
  )
  if (!succeeded) {
    throw new EmbeddedPostgresError(
      'initdb-failed',
      `PostgreSQL could not make its data folder in ${folder}: ${output.trim()}`,
    )
  }
  await rename(half, pgData)
  await syncFolder(folder)
}

/**
 * A folder for the server's socket that only its user (and root) can pass: in the data folder, or
 * where that is too deep for a socket's path, always the same one in the system's temporary folder.
 */
export async function makeSocketFolder({ folder, account }: DataFolder): Promise<string> {
  const name = `semel-${hash('sha256', folder).slice(0, 12)}`
  const places = [join(folder, 'run'), join(tmpdir(), name), join('/tmp', name)]
  for (const place of places) {
    const bytes = Buffer.byteLength(join(place, socketName))
    if (bytes > socketPathBytesMax || !(await canEnter(dirname(place), account))) continue
    await makePrivate(place, account)
    return place
  }
  throw unreachable(folder, 'no folder for its socket can be made')
}

async function holdsData(folder: string): Promise<boolean> {
  return (await clusterVersion(join(folder, 'postgres'))) !== undefined
}

async function clusterVersion(pgData: string): Promise<string | undefined> {
  try {
    return (await readFile(join(pgData, 'PG_VERSION'), 'utf8')).trim()
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    throw unreachable(pgData, (error as Error).message)
  }
}

/** A folder that somebody made without being root stays theirs: root runs the server as them. */
async function accountFor(folder: string): Promise<{ uid: number; gid: number }> {
  for (const path of [join(folder, 'postgres'), folder]) {
    const found = await stat(path).catch(() => undefined)
    if (found !== undefined && found.uid !== 0) return { uid: found.uid, gid: found.gid }
  }
  return nobody
}

async function madeParent(folder: string): Promise<string> {
  try {
    await mkdir(dirname(folder), { recursive: true })
    return await realpath(dirname(folder))
  } catch (error) {
    throw unreachable(folder, (error as Error).message)
  }
}

/** Not recursive: where nothing can be made, as under /proc, that would try for ever. */
async function mkdirUnlessThere(folder: string): Promise<void> {
  try {
    await mkdir(folder, { mode: 0o700 })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
}

async function madeAs(account: Account, wanted: string): Promise<DataFolder> {
  try {
    await mkdirUnlessThere(wanted)
    const folder = await realpath(wanted)
    const names = (await readdir(folder)).filter((name) => name !== 'lost+found')
    if (names.length > 0 && !names.some((name) => /^(postgres|owner\.json|run$)/.test(name))) {
      throw new EmbeddedPostgresError(
        'data-folder-not-ours',
        `the folder ${folder} holds something else than Semel's data (${names[0]}); ` +
          'set SEMEL_DATA to a new or an empty folder',
      )
    }
    await makePrivate(folder, account)
    return { folder, pgData: join(folder, 'postgres'), log: join(folder, 'postgres.log'), account }
  } catch (error) {
    if (error instanceof EmbeddedPostgresError) throw error
    throw unreachable(wanted, (error as Error).message)
  }
}

/** Makes a folder that only the account may pass, or makes an own one so. */
async function makePrivate(folder: string, account: Account): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const found = await lstat(folder)
  const us = process.getuid?.()
  if (!found.isDirectory() || (found.uid !== us && found.uid !== account?.uid)) {
    throw unreachable(folder, `it belongs to another user (uid ${found.uid})`)
  }
  await chmod(folder, 0o700)
  if (account !== undefined) await chown(folder, account.uid, account.gid)
}

/** A rename is durable when its folder is. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder)
  await handle.sync().finally(() => handle.close())
}

function unreachable(folder: string, why: string): EmbeddedPostgresError {
  return new EmbeddedPostgresError(
    'data-folder-unreachable',
    `the data folder ${folder} cannot be used: ${why}; set SEMEL_DATA to a folder of your own`,
  )
}
