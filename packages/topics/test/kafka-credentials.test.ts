import { describeWithKafka, openTestKafka } from '@semel/parts/testing'
import { createTopics, type KafkaConnection, kafkaTransport } from '@semel/topics/kafka'
import { freshTopic, patience, readUntil, told } from '@semel/topics/testing'
import { afterAll, beforeAll, expect, it, onTestFinished, vi } from 'vitest'

type Mechanism = 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512'
type Guarded = Required<Awaited<ReturnType<typeof openTestKafka>>>

const username = 'ann'
const sasl = (mechanism: Mechanism, password = 'secret') => ({ mechanism, username, password })

describeWithKafka('a broker that wants credentials', () => {
  const kafka = {} as Guarded
  beforeAll(async () => {
    Object.assign(kafka, await openTestKafka({ username, password: 'secret' }))
  })
  afterAll(() => kafka.stop())

  for (const mechanism of ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'] as const) {
    it(`is published to and read by who has them, by ${mechanism}, with TLS or without`, async () => {
      const { guard } = kafka
      const ways: readonly KafkaConnection[] = [
        { brokers: [guard.sasl], sasl: sasl(mechanism) },
        { brokers: [guard.saslTls], sasl: sasl(mechanism), tls: { ca: guard.ca } },
      ]
      for (const way of ways) {
        const topic = freshTopic()
        await createTopics({ ...way, topics: [{ topic, partitions: 2 }] })
        const transport = kafkaTransport(way)
        onTestFinished(() => transport.close())
        await transport.publish([told(topic, 'k', 1)])
        await readUntil(transport, 'g', topic, 1)
      }
    })
  }

  const wrong: Readonly<Record<string, (guard: Guarded['guard']) => KafkaConnection>> = {
    'a wrong password': ({ sasl: at }) => ({ brokers: [at], sasl: sasl('PLAIN', 'wrong') }),
    'a wrong password, for SCRAM': ({ saslTls, ca }) => ({
      ...{ brokers: [saslTls], tls: { ca } },
      sasl: sasl('SCRAM-SHA-256', 'wrong'),
    }),
    'no credentials': ({ sasl: at }) => ({ brokers: [at] }),
    'no credentials, within TLS': ({ saslTls, ca }) => ({ brokers: [saslTls], tls: { ca } }),
    'another authority than the one that has signed': ({ saslTls }) => ({
      ...{ brokers: [saslTls], tls: {} },
      sasl: sasl('PLAIN'),
    }),
    'TLS where there is none': ({ sasl: at, ca }) => ({
      ...{ brokers: [at], tls: { ca } },
      sasl: sasl('PLAIN'),
    }),
    'no TLS where there is': ({ saslTls }) => ({ brokers: [saslTls], sasl: sasl('PLAIN') }),
    'neither TLS nor credentials': ({ saslTls }) => ({ brokers: [saslTls] }),
    'credentials where none are asked for': () => ({
      ...{ brokers: kafka.brokers },
      sasl: sasl('PLAIN'),
    }),
  }
  for (const [name, connect] of Object.entries(wrong)) {
    it(`is told apart from one that is away, by ${name}`, async () => {
      const connection = connect(kafka.guard)
      const transport = kafkaTransport(connection)
      onTestFinished(() => transport.close())
      const reported: unknown[] = []
      const report = (error: unknown) => reported.push(error)
      const since = performance.now()

      transport.consume('g', ['a'], async () => {}, { report })
      const ends = await Promise.allSettled([
        transport.publish([told('a', 'k', 1)]),
        createTopics({ ...connection, topics: [{ topic: 'a', partitions: 1 }] }),
      ])
      await vi.waitFor(() => expect(reported.length).toBeGreaterThan(0), patience)

      const notAllowed = expect.objectContaining({ code: 'not-allowed' })
      expect(ends).toEqual(ends.map(() => ({ status: 'rejected', reason: notAllowed })))
      expect(reported).toEqual(reported.map(() => notAllowed))
      expect(performance.now() - since).toBeLessThan(10_000)
    })
  }
})
