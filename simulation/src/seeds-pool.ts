import { Worker } from 'node:worker_threads'
import { addFindings, type Findings, noFindings } from './seeds.ts'
import type { SeedsAsked } from './seeds-worker.ts'

/** Which seeds are run, on how many threads, and who is told how far they are. */
export type PoolOptions = Readonly<{
  from: number
  count: number
  threads: number
  mutant?: string | undefined
  onProgress?: (findings: Findings) => void
}>

const chunkSize = 50

/** Runs seeds on several threads; resolves when all have been run and the threads have ended. */
export async function runSeedsOnThreads(options: PoolOptions): Promise<Findings> {
  const { from, count, threads, mutant, onProgress = () => {} } = options
  const findings = noFindings()
  let next = from
  const take = (): SeedsAsked | undefined => {
    const size = Math.min(chunkSize, from + count - next)
    if (size <= 0) return undefined
    next += size
    return { from: next - size, count: size, mutant }
  }
  const add = (more: Findings) => {
    addFindings(findings, more)
    onProgress(findings)
  }
  await Promise.all(Array.from({ length: threads }, () => runThread(take, add)))
  return findings
}

async function runThread(
  take: () => SeedsAsked | undefined,
  add: (findings: Findings) => void,
): Promise<void> {
  const worker = new Worker(new URL('./seeds-worker.ts', import.meta.url))
  try {
    for (let asked = take(); asked !== undefined; asked = take()) add(await ask(worker, asked))
  } finally {
    await worker.terminate()
  }
}

function ask(worker: Worker, asked: SeedsAsked): Promise<Findings> {
  return new Promise((resolve, reject) => {
    const fail = (cause: unknown) => {
      const range = `between ${asked.from} and ${asked.from + asked.count - 1}`
      reject(new Error(`a schedule ${range} threw; try them one by one`, { cause }))
    }
    worker.once('error', fail)
    worker.once('message', (findings: Findings) => {
      worker.off('error', fail)
      resolve(findings)
    })
    worker.postMessage(asked)
  })
}
