import { Producer } from '@platformatic/kafka'
import { describeWithKafka } from '@semel/parts/testing'
import { createTopics, inspectTopics, kafkaTransport } from '@semel/topics/kafka'
import { freshTopic, numberOf, patience, readUntil, readWith, told } from '@semel/topics/testing'
import { afterAll, beforeAll, expect, it, onTestFinished, vi } from 'vitest'
import { type KafkaCluster, openKafkaCluster } from './kafka-cluster.ts'

describeWithKafka('Kafka as others leave it', () => {
  const cluster = {} as KafkaCluster
  beforeAll(async () => void Object.assign(cluster, await openKafkaCluster()))
  afterAll(() => cluster.close())

  it('a topic that is not there is an error for its publisher alone, and is not made', async () => {
    const [there, missing] = [freshTopic(), freshTopic()]
    await cluster.makeTopic(there)
    const transport = cluster.open()

    const ends = await Promise.allSettled([
      transport.publish([told(there, 'k', 1)]),
      transport.publish([told(missing, 'k', 2)]),
      transport.publish([told(there, 'k', 3)]),
    ])

    expect(ends.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    expect(ends[1]).toMatchObject({ reason: { code: 'topic-unknown' } })
    const { seen } = await readUntil(transport, 'g', there, 2)
    expect(seen.map(numberOf)).toEqual([1, 3])
    expect(await cluster.admin.listTopics()).not.toContain(missing)
  })

  it('who reads a topic that is not there is told, and reads it when it is made', async () => {
    const topic = freshTopic()
    const errors: unknown[] = []
    const report = (error: unknown) => errors.push(error)
    const reader = readWith(cluster.open(), 'g', topic, { report })
    await vi.waitFor(() => expect(errors.length).toBeGreaterThan(1), patience)

    await cluster.makeTopic(topic)
    await cluster.open().publish([told(topic, 'k', 1)])

    await vi.waitFor(() => expect(reader.numbers()).toEqual([1]), patience)
    expect(errors[0]).toMatchObject({
      code: 'topic-unknown',
      message: expect.stringContaining(topic),
    })
  })

  it('a group that is read for somebody else is left to them, and taken when they are gone', async () => {
    const topic = freshTopic()
    await cluster.makeTopic(topic, 2)
    const { brokers } = cluster.kafka
    const [mine, others] = ['mine', 'others'].map((owner) => kafkaTransport({ brokers, owner }))
    onTestFinished(async () => void (await Promise.all([mine!.close(), others!.close()])))
    const errors: unknown[] = []
    const report = (error: unknown) => errors.push(error)
    const first = readWith(mine!, 'g', topic)
    await cluster.open().publish([told(topic, 'k', 1)])
    await vi.waitFor(() => expect(first.numbers()).toEqual([1]), patience)

    const second = readWith(others!, 'g', topic, { report })
    await vi.waitFor(() => expect(errors.length).toBeGreaterThan(0), patience)
    await cluster.open().publish([told(topic, 'a', 2), told(topic, 'b', 3), told(topic, 'k', 4)])
    await vi.waitFor(() => expect(first.numbers().toSorted()).toEqual([1, 2, 3, 4]), patience)
    const meanwhile = second.numbers()
    await mine!.close()
    await cluster.open().publish([told(topic, 'k', 5)])

    await vi.waitFor(() => expect(second.numbers()).toEqual([5]), patience)
    expect(meanwhile).toEqual([])
    expect(errors[0]).toMatchObject({
      code: 'group-taken',
      message: expect.stringMatching(
        /^others read as the group g in Kafka, for another database: /,
      ),
    })
  })

  it('a topic that is deleted and made again is read from its start, however long it is', async () => {
    const topic = freshTopic()
    await cluster.makeTopic(topic)
    const transport = cluster.open()
    const errors: unknown[] = []
    const report = (error: unknown) => errors.push(error)
    const reader = readWith(cluster.open(), 'g', topic, { report })
    await transport.publish([1, 2, 3].map((n) => told(topic, 'k', n)))
    await vi.waitFor(() => expect(reader.numbers()).toEqual([1, 2, 3]), patience)

    await cluster.admin.deleteTopics({ topics: [topic] })
    // Who has failed a few times looks again a while later: until then the topic grows.
    await vi.waitFor(() => expect(errors.length).toBeGreaterThan(5), patience)
    await createTopics({ brokers: cluster.kafka.brokers, topics: [{ topic, partitions: 1 }] })
    const anew = Array.from({ length: 20 }, (_, n) => 10 + n)
    await vi.waitFor(() => transport.publish(anew.map((n) => told(topic, 'k', n))), patience)

    await vi.waitFor(() => expect(reader.numbers()).toContain(29), patience)
    expect(new Set(reader.numbers())).toEqual(new Set([1, 2, 3, ...anew]))
    expect(errors).toContainEqual(expect.objectContaining({ code: 'messages-gone' }))
  })

  it('records of others come as what they are, without what is no text', async () => {
    const topic = freshTopic()
    await cluster.makeTopic(topic)
    const producer = new Producer({
      ...{ clientId: 'other', bootstrapBrokers: [...cluster.kafka.brokers] },
      ...{ idempotent: true, acks: -1, retries: 3, retryDelay: 250 },
    })
    onTestFinished(() => producer.close())
    const noText = Buffer.from([0x22, 0xff, 0x22])
    const headers = new Map([
      [Buffer.from('ce_id'), noText],
      [Buffer.from('ce_type'), Buffer.from('old')],
      [Buffer.from('ce_type'), Buffer.from('told')],
      [Buffer.from('ce_partition'), Buffer.from('7')],
    ])

    await producer.send({
      messages: [
        { topic, value: Buffer.from('{}') },
        { topic, key: Buffer.from('k'), value: noText, headers },
      ],
    })
    const { seen } = await readUntil(cluster.open(), 'g', topic, 2)

    const at = { topic, partition: 0 }
    expect(seen).toEqual([
      { ...at, position: 0, partitionKey: '', body: '{}' },
      { ...at, position: 1, partitionKey: 'k', type: 'told', body: 'not UTF-8: Iv8i' },
    ])
  })

  it('positions without a message are passed, in the middle and at the end', async () => {
    const topic = freshTopic()
    await cluster.makeTopic(topic)
    const producer = new Producer({
      ...{ clientId: 'other', bootstrapBrokers: [...cluster.kafka.brokers] },
      ...{ idempotent: true, transactionalId: topic, acks: -1, retries: 40, retryDelay: 250 },
    })
    onTestFinished(() => producer.close())
    const inTransaction = async (n: number) => {
      const transaction = await producer.beginTransaction()
      await transaction.send({ messages: [{ topic, value: Buffer.from(`${n}`) }] })
      await transaction.commit()
    }
    await inTransaction(1)
    const reader = readWith(cluster.open(), 'g', topic)
    await vi.waitFor(() => expect(reader.numbers()).toEqual([1]), patience)

    await inTransaction(2)
    await cluster.open().publish([told(topic, 'k', 3)])

    await vi.waitFor(() => expect(reader.numbers()).toEqual([1, 2, 3]), patience)
    expect(reader.seen.map(({ position }) => position)).toEqual([0, 2, 4])
  })

  it('a batch that is rejected holds back its partition and no other', async () => {
    const topic = freshTopic()
    await cluster.makeTopic(topic, 2)
    const transport = cluster.open()
    const seen: number[][] = [[], []]
    const consumer = transport.consume('g', [topic], async (batch) => {
      const [{ partition }] = batch as [(typeof batch)[number]]
      seen[partition]!.push(...batch.map(numberOf))
      if (partition === 0) throw new Error('not now')
    })
    onTestFinished(() => consumer.stop())
    const keys = Array.from({ length: 20 }, (_, n) => `key ${n}`)

    await transport.publish(keys.map((key) => told(topic, key, 1)))
    await vi.waitFor(() => expect(seen[0]).toContain(1), patience)
    for (const n of [2, 3]) await transport.publish(keys.map((key) => told(topic, key, n)))

    await vi.waitFor(() => expect(new Set(seen[1])).toEqual(new Set([1, 2, 3])), patience)
    expect(new Set(seen[0])).toEqual(new Set([1]))
  })

  it('a group whose offsets are reset while it rests reads again from there', async () => {
    const topic = freshTopic()
    await cluster.makeTopic(topic)
    const transport = cluster.open()
    await transport.publish([1, 2, 3].map((n) => told(topic, 'k', n)))
    const first = await readUntil(transport, 'reset', topic, 3)
    await first.stop()

    await cluster.admin.alterConsumerGroupOffsets({
      groupId: 'reset',
      topics: [{ name: topic, partitionOffsets: [{ partition: 0, offset: 0n }] }],
    })
    const { seen } = await readUntil(cluster.open(), 'reset', topic, 3)

    expect(seen).toEqual(first.seen)
  })

  it('a group goes on where messages are left, and says that some are gone', async () => {
    const topic = freshTopic()
    await cluster.makeTopic(topic)
    const transport = cluster.open()
    const errors: unknown[] = []
    await transport.publish([told(topic, 'k', 1)])
    const { stop } = await readUntil(transport, 'late', topic, 1)
    await stop()
    await transport.publish([2, 3, 4].map((n) => told(topic, 'k', n)))

    await cluster.admin.deleteRecords({
      topics: [{ name: topic, partitions: [{ partition: 0, offset: 3n }] }],
    })
    const report = (error: unknown) => errors.push(error)
    const late = await readUntil(cluster.open(), 'late', topic, 1, { report })
    const fresh = await readUntil(cluster.open(), 'new', topic, 1, { report })

    expect([late.numbers(), fresh.numbers()]).toEqual([[4], [4]])
    expect(errors).toEqual([expect.objectContaining({ code: 'messages-gone' })])
  })

  it('topics are made as wanted; those that are there are compared, never altered', async () => {
    const [made, other] = [freshTopic(), freshTopic()]
    const { brokers } = cluster.kafka
    await cluster.admin.createTopics({
      ...{ topics: [`T_${other}_1_0_pu`], partitions: 2, replicas: 1 },
      configs: [
        { name: 'cleanup.policy', value: 'compact' },
        { name: 'retention.ms', value: '-1' },
      ],
    })
    const topics = [made, other].map((topic) => ({ topic, partitions: 3 }))
    const wanted = { brokers, topics, prefix: 'T' }

    const before = await inspectTopics(wanted)
    const atOnce = await Promise.all([createTopics(wanted), createTopics(wanted)])
    const after = await inspectTopics(wanted)

    const [own, others] = [made, other].map((topic) => ({ topic, name: `T_${topic}_1_0_pu` }))
    const differing = {
      ...{ ...others, state: 'there' },
      differences: [
        { of: 'partitions', wanted: '3', found: '2' },
        { of: 'cleanup.policy', wanted: 'delete', found: 'compact', harm: expect.any(String) },
        { of: 'retention.ms', wanted: '604800000', found: '-1', harm: expect.any(String) },
        {
          ...{ of: 'max.message.bytes', wanted: '2097152', found: '1048588' },
          harm: expect.stringContaining('set 2097152'),
        },
      ],
    }
    expect(before).toEqual([{ ...own, state: 'missing', differences: [] }, differing])
    for (const found of atOnce) expect(found).toEqual([expect.objectContaining(own!), differing])
    expect(after).toEqual([{ ...own, state: 'there', differences: [] }, differing])
  })

  it('with a prefix, topics and groups have names in Kafka that others can tell apart', async () => {
    const topic = freshTopic()
    const connection = { brokers: cluster.kafka.brokers, prefix: 'DEV' }
    await createTopics({ ...connection, topics: [{ topic, partitions: 1 }] })
    const transport = kafkaTransport(connection)
    onTestFinished(() => transport.close())

    await transport.publish([told(topic, 'k', 1)])
    const { seen } = await readUntil(transport, 'readers', topic, 1)

    expect(seen).toMatchObject([{ topic }])
    expect(await cluster.admin.listTopics()).toContain(`DEV_${topic}_1_0_pu`)
    expect([...(await cluster.admin.listGroups()).keys()]).toContain('DEV_readers')
  })
})
