import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { createPool } from '@semel/postgres'
import { type Delivered, startRelay } from '@semel/topics'
import { kafkaTransport } from '@semel/topics/kafka'
import { postgresTransport } from '@semel/topics/postgres'
import type { ProcessTask, Step } from './kafka-processes.ts'

/**
 * A process of its own that copies an outbox into Kafka, or reads Kafka. It says what it does, a
 * line for each step, and holds batches from a position on until a line comes.
 */
const { brokers, topic, outbox, holdsAt } = JSON.parse(process.argv[2]!) as ProcessTask
const kafka = kafkaTransport({ brokers })
const released = once(createInterface({ input: process.stdin }), 'line')

if (outbox === undefined) {
  kafka.consume('g', [topic], (batch) => step(batch, async () => {}), { batchSizeMax: 5 })
} else {
  const pool = createPool({ connection: outbox })
  const from = postgresTransport({ pool, partitions: { [topic]: 1 }, ownMs: 100 })
  const forward = (batch: readonly Delivered[]) => step(batch, () => kafka.forward(batch))
  startRelay({ from, to: { forward }, topics: [topic], batchSizeMax: 5 })
}

async function step(batch: readonly Delivered[], work: () => Promise<void>): Promise<void> {
  const { partition, position: from } = batch[0]!
  const next = batch.at(-1)!.position + 1
  if (next > holdsAt) {
    say({ state: 'holding', partition, from, next })
    await released
  }
  await work()
  say({ state: 'done', partition, from, next })
}

function say(step: Step): void {
  process.stdout.write(`${JSON.stringify(step)}\n`)
}
