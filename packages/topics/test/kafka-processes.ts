import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Connection } from '@semel/postgres'
import { patience } from '@semel/topics/testing'
import { expect, onTestFinished, vi } from 'vitest'

/** What a process is to do. */
export type ProcessTask = Readonly<{
  brokers: readonly string[]
  topic: string
  /** It copies this outbox into Kafka; without one, it reads Kafka as group `g`. */
  outbox?: Connection
  /** It holds the batches that go beyond this position, before their work is done. */
  holdsAt: number
}>

/** What a process has done: of a partition, a batch. */
export type Step = Readonly<{
  state: 'holding' | 'done'
  partition: number
  from: number
  next: number
}>

/** A process that runs until the test ends. */
export type KafkaProcess = Readonly<{
  steps: readonly Step[]
  /** Resolves when it holds a batch of so many partitions. */
  holding(partitions?: number): Promise<readonly Step[]>
  /** Lets it go on with what it holds, and hold no more. */
  release(): void
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void
  kill(): Promise<void>
}>

const program = new URL('kafka-process.ts', import.meta.url).pathname

/** Starts a process that relays or reads. */
export function startKafkaProcess(task: ProcessTask): KafkaProcess {
  const child = spawn(process.execPath, [program, JSON.stringify(task)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const exited = once(child, 'exit')
  const kill = async () => {
    child.kill('SIGKILL')
    await exited
  }
  onTestFinished(kill)
  const steps: Step[] = []
  createInterface({ input: child.stdout }).on('line', (line) => steps.push(JSON.parse(line)))
  return {
    ...{ steps, kill },
    holding: (partitions = 1) =>
      vi.waitFor(() => {
        const held = steps.filter(({ state }) => state === 'holding')
        expect(held).toHaveLength(partitions)
        return held
      }, patience),
    release: () => void child.stdin.write('go on\n'),
    signal: (signal) => void child.kill(signal),
  }
}
