import { readdir, readFile } from 'node:fs/promises'

const ticksPerSecond = 100

/**
 * Seconds of processor that a process, its children that live, and those it has buried have used.
 * Undefined where the system tells of no processes (anything but Linux).
 */
export async function processorSeconds(pid: number): Promise<number | undefined> {
  const names = await readdir('/proc').catch(() => [])
  const stats = await Promise.all(names.filter((name) => /^\d+$/.test(name)).map(statOf))
  const found = stats.filter((stat) => stat?.pid === pid || stat?.parent === pid)
  if (!found.some((stat) => stat?.pid === pid)) return undefined
  return found.reduce((sum, stat) => sum + stat!.ticks, 0) / ticksPerSecond
}

async function statOf(name: string) {
  const text = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => undefined)
  if (text === undefined) return undefined
  // The name of the program, in brackets, may hold blanks.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0)
  return { pid: Number(name), parent: Number(fields[1]), ticks }
}
