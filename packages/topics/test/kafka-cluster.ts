import { Admin } from '@platformatic/kafka'
import type { Kafka } from '@semel/parts/kafka'
import { openTestKafka } from '@semel/parts/testing'
import type { PartitionCounts, Transport } from '@semel/topics'
import { createTopics, type KafkaTransport, kafkaTransport } from '@semel/topics/kafka'

/** A broker, and transports whose topics are there when they are used. */
export type KafkaCluster = Readonly<{
  kafka: Kafka
  admin: Admin
  /** As an operator makes a topic, or adds partitions to it. */
  makeTopic(topic: string, partitions?: number): Promise<void>
  /** A transport of its own, as another process has it. */
  open(): KafkaTransport
  /** The same; its topics are made before they are used, as operators do. */
  transport(partitions?: PartitionCounts): Transport
  close(): Promise<void>
}>

/** Starts a broker and clients for a test file. */
export async function openKafkaCluster(): Promise<KafkaCluster> {
  const kafka = await openTestKafka()
  const { brokers } = kafka
  const admin = new Admin({ clientId: 'test', bootstrapBrokers: [...brokers] })
  const opened: KafkaTransport[] = []
  const counts = new Map<string, number>()

  async function makeTopic(topic: string, partitions = 1): Promise<void> {
    const before = counts.get(topic) ?? 0
    if (before >= partitions) return
    const made =
      before === 0
        ? createTopics({ brokers, topics: [{ topic, partitions }] })
        : raise(topic, before, partitions)
    await made
    counts.set(topic, partitions)
  }

  async function raise(topic: string, before: number, count: number): Promise<void> {
    const assignments = Array.from({ length: count - before }, () => ({ brokerIds: [1] }))
    await admin.createPartitions({ topics: [{ name: topic, count, assignments }] })
  }

  function open(): KafkaTransport {
    const transport = kafkaTransport({ brokers })
    opened.push(transport)
    return transport
  }

  return {
    kafka,
    admin,
    makeTopic,
    open,
    transport(partitions = {}) {
      const transport = open()
      const makeAll = (topics: readonly string[]) =>
        inTurn(async () => {
          for (const topic of new Set(topics)) await makeTopic(topic, partitions[topic])
        })
      return {
        async publish(messages) {
          await makeAll(messages.map(({ topic }) => topic))
          await transport.publish(messages)
        },
        consume(group, topics, onBatch, options) {
          const consuming = makeAll(topics).then(() =>
            transport.consume(group, topics, onBatch, options),
          )
          return {
            async stop() {
              const { stop } = await consuming
              await stop()
            },
          }
        },
      }
    },
    async close() {
      await Promise.all(opened.map((transport) => transport.close()))
      await admin.close()
      await kafka.stop()
    },
  }
}

let last: Promise<unknown> = Promise.resolve()

/** Two who make the same topic at once would both be told that it is new. */
function inTurn<T>(work: () => Promise<T>): Promise<T> {
  const done = last.then(work)
  last = done.catch(() => {})
  return done
}
