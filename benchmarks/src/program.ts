import { execFile } from 'node:child_process'
import { access, constants } from 'node:fs/promises'
import { delimiter, join } from 'node:path'

const outputBytesMax = 4 * 1024 * 1024

/** Runs a program to its end and resolves to what it printed on stdout. */
export function runProgram(file: string, args: readonly string[], limitMs: number) {
  return new Promise<string>((resolve, reject) => {
    const options = { timeout: limitMs, maxBuffer: outputBytesMax }
    execFile(file, args, options, (error, stdout, stderr) => {
      if (error === null) resolve(stdout)
      else reject(new Error(`${file} failed: ${stderr.trim() || error.message}`, { cause: error }))
    })
  })
}

/** Where a program is: in one of the folders named, or on the PATH; undefined if it is not here. */
export async function findProgram(
  name: string,
  folders: readonly string[] = [],
): Promise<string | undefined> {
  const onPath = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '')
  for (const folder of [...folders, ...onPath]) {
    const file = join(folder, name)
    const isThere = await access(file, constants.X_OK).then(
      () => true,
      () => false,
    )
    if (isThere) return file
  }
  return undefined
}
