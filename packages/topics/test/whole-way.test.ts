import { transaction } from '@semel/postgres'
import { testDatabase } from '@semel/postgres/testing'
import {
  carries,
  commandMessage,
  type DeadLetters,
  declaredTypes,
  postgresDeadLetters,
  startConsumer,
  topicMigrations,
} from '@semel/topics'
import { postgresTransport } from '@semel/topics/postgres'
import { expect, it, onTestFinished, vi } from 'vitest'
import { fill, fillJar, jarId, jars, otherJar } from './jars.ts'

const patience = { timeout: 15_000, interval: 5 }

it('a command goes the whole way over PostgreSQL, and a poisoned one is redriven', async () => {
  const { pool } = await testDatabase([topicMigrations])
  const { executor, bugs, jar } = jars()
  const transport = postgresTransport({ pool })
  const { append, told } = transport
  const letters = postgresDeadLetters({ pool, append, told })
  // The jars are in memory: what stands in the way is read in a transaction of its own.
  const deadLetters: DeadLetters = {
    ...letters,
    standing: (_tx, ...asked) => transaction(pool, (tx) => letters.standing(tx, ...asked)),
    take: (_tx, ...asked) => transaction(pool, (tx) => letters.take(tx, ...asked)),
  }
  const consumer = startConsumer({
    ...{ transport, group: 'jars', executor, deadLetters, redriveIntervalMs: 20 },
    ...{ subscriptions: [carries(fillJar)], declared: declaredTypes({ commands: [fillJar] }) },
  })
  onTestFinished(async () => {
    await consumer.stop()
    await transport.close()
  })
  const envelope = { source: 'gate', time: new Date(0) }
  const message = (key: string, amount: number, id = jarId) =>
    commandMessage(fillJar, fill(key, amount, id), envelope)

  bugs.add(6)
  await transport.publish([message('one', 1), message('poison', 6), message('two', 2)])
  await transport.publish([message('one', 1), message('other', 5, otherJar)])
  await vi.waitFor(async () => expect((await deadLetters.list({})).length).toBe(2), patience)
  await vi.waitFor(() => expect(jar(otherJar).log).toEqual([5]), patience)
  const whileParked = jar().log
  bugs.clear()
  await deadLetters.redrive({ group: 'jars' }, new Date(1))
  await vi.waitFor(async () => expect(await deadLetters.list({})).toEqual([]), patience)
  await transport.publish([message('three', 3)])
  await vi.waitFor(() => expect(jar().log.length).toBe(4), patience)

  expect(whileParked).toEqual([1])
  expect(jar().log).toEqual([1, 6, 2, 3])
})
