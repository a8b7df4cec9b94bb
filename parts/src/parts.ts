import { join } from 'node:path'
import { expectFree } from './free-port.ts'
import { cacheFolder, installKafka } from './install-kafka.ts'
import { startKafka } from './kafka.ts'
import { PartError } from './part-error.ts'
import { startRedis, whatRedisLacks } from './redis.ts'
import { startSmtp, whatSmtpLacks } from './smtp.ts'

/** Hears, line by line, what happens. */
export type Say = (line: string) => void

/** A part that runs for a developer. */
export type Running = Readonly<{
  /** What `npm start` is told to use it. */
  env: Readonly<Record<string, string>>
  stop(): Promise<void>
}>

/** A part that processes use besides PostgreSQL. */
export type Part = Readonly<{
  /** Where it listens for developers, on loopback. */
  port: number
  /** Gets it, unless it is there; resolves to where it is. @throws {PartError} */
  install(say: Say): Promise<string>
  start(port: number, say: Say): Promise<Running>
}>

/** Every part there is, by its name. */
export const parts: Readonly<Record<string, Part>> = {
  redis: {
    port: 6379,
    install: async () => found(whatRedisLacks(), 'redis-server is on the path'),
    async start(port) {
      const { url, kill } = await startRedis({ port })
      // Whoever can reach this Redis is at this machine.
      const secret = 'for-this-machine-alone-and-no-other'
      return { env: { REDIS_URL: url, SEAL_SECRET: secret }, stop: kill }
    },
  },
  kafka: {
    port: 9092,
    install: (say) => installKafka(say),
    async start(port) {
      const folder = join(cacheFolder(), 'kafka-data')
      const { brokers, stop } = await startKafka({ folder, port })
      return { env: { KAFKA_BROKERS: brokers.join(',') }, stop }
    },
  },
  smtp: {
    port: 2525,
    install: async () => found(whatSmtpLacks(), 'smtp-server came with npm ci'),
    async start(port, say) {
      const { url, kill } = await startSmtp({
        port,
        onMail: ({ to, subject, body }) => say(`mail to ${to.join(', ')}: ${subject}. ${body}`),
      })
      const names = { MAIL_FROM: 'shop@shop.example', MAIL_TO: '{userId}@shop.example' }
      return { env: { SMTP_URL: url, ...names }, stop: kill }
    },
  },
}

/** The parts of these names, or all; @throws {PartError} for a name that is none. */
export function partsNamed(names: readonly string[]): [string, Part][] {
  const unknown = names.find((name) => !Object.hasOwn(parts, name))
  if (unknown !== undefined) {
    throw new PartError(
      `there is no part "${unknown}" (known are ${Object.keys(parts).join(', ')})`,
    )
  }
  return Object.entries(parts).filter(([name]) => names.length === 0 || names.includes(name))
}

/**
 * Gets each part that is not there, and says of each where it is or what it lacks.
 *
 * @returns whether all are there.
 */
export async function installParts(named: readonly [string, Part][], say: Say): Promise<boolean> {
  let isAllThere = true
  for (const [name, { install }] of named) {
    try {
      say(`${name.padEnd(6)} ok: ${await install(say)}`)
    } catch (error) {
      if (!(error instanceof PartError)) throw error
      isAllThere = false
      say(`${name.padEnd(6)} MISSING: ${error.message}`)
    }
  }
  return isAllThere
}

/**
 * Starts each part where developers look for it; if one cannot, those that could are stopped.
 *
 * @throws {PartError} when a port is taken.
 */
export async function startParts(named: readonly [string, Part][], say: Say): Promise<Running> {
  const started: Running[] = []
  const stop = async () => {
    await Promise.all(started.map((part) => part.stop()))
  }
  try {
    for (const [, { port }] of named) await expectFree(port)
    for (const [, { start, port }] of named) started.push(await start(port, say))
  } catch (error) {
    await stop()
    throw error
  }
  return { env: Object.assign({}, ...started.map(({ env }) => env)), stop }
}

function found(lacks: string | undefined, where: string): string {
  if (lacks !== undefined) throw new PartError(lacks)
  return where
}
