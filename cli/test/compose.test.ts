import { readFileSync } from 'node:fs'
import { configSchema as ofGateway } from '@semel/gateway/config'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { configSchema as ofStart } from '../src/config.ts'
import { parts } from '../src/services.ts'

/** What can be said of compose.yaml and the Dockerfile without a Docker. */

type Container = Readonly<{
  profiles: readonly string[]
  image: string
  command?: readonly string[]
  environment?: Readonly<Record<string, string | number>>
  depends_on?: Readonly<Record<string, { condition: string }>>
  healthcheck?: { test: readonly string[] }
  networks?: { default: { aliases: readonly string[] } }
  ports?: readonly string[]
  volumes?: readonly string[]
}>

const text = (file: string) => readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8')
const compose = parse(text('compose.yaml'), { merge: true })
const containers: [string, Container][] = Object.entries(compose.services)
const byName = new Map(containers)
const ours = containers.filter(([, { image }]) => image.startsWith('semel:'))
const profiles = ['core', 'redis', 'kafka', 'all']
const schemas: Readonly<Record<string, object>> = {
  ...Object.fromEntries(parts.map(({ name, schema }) => [name, schema.properties])),
  gateway: ofGateway.properties,
  topics: ofStart.properties,
}

/** `service orders` is orders, `topics create` topics. */
function processOf({ command = [] }: Container): string {
  return command[0] === 'service' ? command[1]! : command[0]!
}

function inProfile(profile: string): [string, Container][] {
  return containers.filter(([, container]) => container.profiles.includes(profile))
}

describe('compose.yaml', () => {
  it('pins every image, and so does the Dockerfile', () => {
    const images = [
      ...containers.map(([, { image }]) => image),
      ...[...text('Dockerfile').matchAll(/^FROM (\S+)/gm)].map(([, image]) => image),
    ]

    expect(images.length).toBe(containers.length + 2)
    expect(images.filter((image) => !/^[\w/]+:\d+\.\d+\.?\d*(-[\w-]+)?$/.test(image!))).toEqual([])
  })

  it('sets only variables that semel config knows of the process', () => {
    const unknown = ours.flatMap(([name, container]) =>
      Object.keys(container.environment ?? {})
        .filter((variable) => !Object.hasOwn(schemas[processOf(container)]!, variable))
        .map((variable) => `${name}: ${variable}`),
    )

    expect(ours.length).toBeGreaterThan(10)
    expect(unknown).toEqual([])
  })

  it.each(profiles)(
    'has in profile %s each process once, where the gateway looks for it',
    (profile) => {
      const running = inProfile(profile).filter(([, { image }]) => image.startsWith('semel:'))
      const served = running.filter(([, container]) => processOf(container) !== 'topics')

      expect(served.map(([, container]) => processOf(container)).sort()).toEqual([
        ...['billing', 'gateway', 'messages', 'notifications', 'orders'],
      ])
      const { environment } = served.find(([, one]) => processOf(one) === 'gateway')![1]
      for (const [, container] of served) {
        const name = processOf(container)
        if (name === 'gateway') continue
        expect(container.networks?.default.aliases).toEqual([name])
        expect(environment?.[`${name.toUpperCase()}_URL`]).toBe(
          `http://${name}:${container.environment?.PORT}`,
        )
      }
    },
  )

  it.each([
    ['core', [], 1],
    ['redis', ['redis'], 1],
    ['kafka', ['kafka', 'topics'], 4],
    ['all', ['kafka', 'redis', 'topics'], 4],
  ] as const)(
    'has in profile %s the parts %j and so many databases: %i',
    (profile, more, count) => {
      const running = inProfile(profile)
      const others = running.map(([name]) => name).filter((name) => !isServed(name))
      const set = running.map(([, { environment = {} }]) => environment)
      const databases = new Set(set.map(({ DATABASE_URL }) => DATABASE_URL).filter(Boolean))

      expect(others.sort()).toEqual(['postgres', ...more].sort())
      expect(databases.size).toBe(count)
      expect(set.some(({ KAFKA_BROKERS }) => KAFKA_BROKERS)).toBe(count === 4)
      expect(set.filter(({ REDIS_URL }) => REDIS_URL)).toHaveLength(
        profile === 'redis' || profile === 'all' ? 2 : 0,
      )
    },
  )

  it('waits for what is there in the same profiles, until it is healthy or done', () => {
    const wrong = containers.flatMap(([name, { depends_on = {}, profiles: mine }]) =>
      Object.entries(depends_on)
        .filter(([on, { condition }]) => {
          const other = byName.get(on)
          const isDone = condition === 'service_completed_successfully' && on === 'topics'
          const isHealthy = condition === 'service_healthy' && other?.healthcheck !== undefined
          return !(isDone || isHealthy) || !mine.every((one) => other?.profiles.includes(one))
        })
        .map(([on]) => `${name} waits for ${on}`),
    )

    expect(wrong).toEqual([])
  })

  it('looks after the health of all that goes on running', () => {
    const without = containers.filter(([, { healthcheck }]) => healthcheck === undefined)

    expect(without.map(([name]) => name)).toEqual(['topics'])
  })

  it('lets only the gateway be reached, from this machine alone, and keeps data in volumes', () => {
    const ports = containers.flatMap(([name, { ports: some = [] }]) =>
      some.map((port) => `${name.split('-')[0]} ${port}`),
    )
    const volumes = containers.flatMap(([, { volumes: some = [] }]) =>
      some.map((volume) => volume.split(':')[0]),
    )

    expect([...new Set(ports)]).toEqual(['gateway 127.0.0.1:8080:8080'])
    expect(volumes.sort()).toEqual(Object.keys(compose.volumes).sort())
  })
})

function isServed(name: string): boolean {
  return /^(orders|billing|notifications|messages|gateway)(-|$)/.test(name)
}
