import { randomUUID } from 'node:crypto'
import { link, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { EmbeddedPostgresError } from './embedded-error.ts'
import { lockName } from './name-lock.ts'
import { isAlive, processStart } from './processes.ts'

/** The process that a data folder belongs to while it runs. */
type Owner = { readonly pid: number; readonly started: string | undefined }

const attemptsMax = 10

/**
 * Makes this process the owner of a data folder, or says who is. A lock of the kernel decides; the
 * file `owner.json` names the owner, and decides where there is no such lock. An owner whose
 * process has ended owns nothing.
 *
 * @returns what gives the folder back.
 * @throws {EmbeddedPostgresError} `data-folder-in-use`
 */
export async function claimFolder(folder: string): Promise<() => Promise<void>> {
  const file = join(folder, 'owner.json')
  const unlock = await lockName(folder)
  if (unlock === undefined) {
    throw inUse(folder, await livePid(await readFile(file, 'utf8').catch(() => '')))
  }
  try {
    await claimFile(folder, file)
  } catch (error) {
    await unlock()
    throw error
  }
  return async () => {
    await rm(file, { force: true })
    await unlock()
  }
}

async function claimFile(folder: string, file: string): Promise<void> {
  const owner: Owner = { pid: process.pid, started: await processStart(process.pid) }
  // A hard link makes the file whole or not at all, and fails if there is one.
  const written = join(folder, `owner.json.${randomUUID()}`)
  await writeFile(written, JSON.stringify(owner))
  try {
    for (let attempt = 1; attempt <= attemptsMax; attempt += 1) {
      if (await linked(written, file)) return
      const found = await readFile(file, 'utf8').catch(() => undefined)
      if (found === undefined) continue
      const pid = await livePid(found)
      if (pid !== undefined) throw inUse(folder, pid)
      await removeDead(file, found)
    }
    throw inUse(folder, undefined)
  } finally {
    await rm(written, { force: true })
  }
}

async function linked(written: string, file: string): Promise<boolean> {
  try {
    await link(written, file)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    return false
  }
}

/** The owner's pid if it runs. A file cut short by a power failure names nobody who could. */
async function livePid(text: string): Promise<number | undefined> {
  const owner = parsed(text)
  if (owner === undefined || !(await isAlive(owner.pid))) return undefined
  const isSame = owner.started === undefined || owner.started === (await processStart(owner.pid))
  return isSame ? owner.pid : undefined
}

function parsed(text: string): Owner | undefined {
  try {
    const owner = JSON.parse(text)
    return Number.isSafeInteger(owner?.pid) ? owner : undefined
  } catch {
    return undefined
  }
}

/**
 * Two starts may find the same dead owner: the slower one could remove the faster one's file. So
 * the file is moved aside first, and moved back if it is not the dead one's.
 */
async function removeDead(file: string, dead: string): Promise<void> {
  const aside = `${file}.${randomUUID()}`
  try {
    await rename(file, aside)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return
    throw error
  }
  if ((await readFile(aside, 'utf8')) !== dead) await linked(aside, file)
  await rm(aside, { force: true })
}

function inUse(folder: string, pid: number | undefined): EmbeddedPostgresError {
  const who = pid === undefined ? 'another process' : `process ${pid}`
  return new EmbeddedPostgresError(
    'data-folder-in-use',
    `the data folder ${folder} is in use by ${who}; stop it, or set SEMEL_DATA to another folder`,
  )
}
