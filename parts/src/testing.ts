import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe } from 'vitest'
import { whatKafkaLacks } from './install-kafka.ts'
import { type Kafka, startKafka } from './kafka.ts'
import type { KafkaUser } from './kafka-guard.ts'
import { whatRedisLacks } from './redis.ts'

export { freePort } from './free-port.ts'
export { type RedisServer, startRedis } from './redis.ts'
export { type Mail, startSmtp } from './smtp.ts'

/**
 * A suite that needs a broker. Where the machine has none, it is skipped, and its title says why;
 * under `CI=true` it runs all the same, and fails with that reason.
 */
export function describeWithKafka(title: string, suite: () => void): void {
  describeUnless(whatKafkaLacks, title, suite)
}

/** The same for one that needs a Redis. */
export function describeWithRedis(title: string, suite: () => void): void {
  describeUnless(whatRedisLacks, title, suite)
}

function describeUnless(whatLacks: () => string | undefined, title: string, suite: () => void) {
  const lacks = process.env.CI === 'true' ? undefined : whatLacks()
  describe.skipIf(lacks !== undefined)(lacks === undefined ? title : `${title} (${lacks})`, suite)
}

/** Starts a broker in a folder of its own, which goes with it. */
export async function openTestKafka(user?: KafkaUser): Promise<Kafka> {
  const folder = await mkdtemp(join(tmpdir(), 'semel-kafka-'))
  const kafka = await startKafka(user === undefined ? { folder } : { folder, user })
  return {
    ...kafka,
    async stop() {
      await kafka.kill()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
