import { cpus, loadavg, totalmem } from 'node:os'
import { type Databases, measureCommitMs } from './databases.ts'

/** What figures depend on besides the code: the machine, its disk, and what else it is doing. */
export async function describeMachine(
  databases: Databases,
): Promise<Readonly<Record<string, string | number>>> {
  const commitMs = await measureCommitMs(databases.admin)
  return {
    cores: cpus().length,
    processor: cpus()[0]?.model ?? 'unknown',
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    platform: `${process.platform} ${process.arch}`,
    node: process.version,
    postgres: databases.version,
    commitMs: rounded(commitMs),
    loadBefore: rounded(loadavg()[0]!),
  }
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100
}
