import { readFileSync } from 'node:fs'
import { owners } from '@semel/contracts/catalogue'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { configSchema as ofStart } from '../src/config.ts'
import { processes } from '../src/processes.ts'

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
const ours = containers.filter(([, { image }]) => isOurs(image))
const dockerfile = text('Dockerfile')
const { version } = JSON.parse(text('package.json'))
const profiles = ['core', 'redis', 'kafka', 'all']
const schemas: typeof processes = { ...processes, topics: ofStart }

/** `service orders` is orders, `topics create` topics. */
function processOf({ command = [] }: Container): string {
  return command[0] === 'service' ? command[1]! : command[0]!
}

function inProfile(profile: string): [string, Container][] {
  return containers.filter(([, container]) => container.profiles.includes(profile))
}

describe('compose.yaml', () => {
  it('pins every image to a version, its own to that of this release', () => {
    const images = containers.map(([, { image }]) => image)

    expect(images.filter((image) => !/^[\w/]+:\d+\.\d+\.?\d*(-[\w-]+)?$/.test(image))).toEqual([])
    expect(new Set(images.filter(isOurs))).toEqual(new Set([`semel/cli:${version}`]))
    expect(compose['x-semel'].build).toEqual({ context: '.', target: 'cli' })
  })

  it('sets only variables that semel config knows of the process', () => {
    const unknown = ours.flatMap(([name, container]) =>
      Object.keys(container.environment ?? {})
        .filter((variable) => !Object.hasOwn(schemas[processOf(container)]!.properties, variable))
        .map((variable) => `${name}: ${variable}`),
    )

    expect(ours.length).toBeGreaterThan(10)
    expect(unknown).toEqual([])
  })

  it.each(profiles)(
    'has in profile %s each process once, where the gateway looks for it',
    (profile) => {
      const running = inProfile(profile).filter(([, { image }]) => isOurs(image))
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

describe('the Dockerfile', () => {
  const stages = dockerfile.split(/^FROM /m).slice(1)
  const processes = stages.filter((stage) => stage.startsWith('process AS '))

  it('has an image for each service, and last, where none is named, the command line', () => {
    const targets = processes.map((stage) => /^process AS (\w+)/.exec(stage)![1])

    expect([...targets].sort()).toEqual([...Object.keys(owners), 'gateway', 'cli'].sort())
    expect(stages.at(-1)).toBe(processes.at(-1))
    expect(targets.at(-1)).toBe('cli')
  })

  it('builds on one Node alone, whose line is that of package.json', () => {
    const { engines } = JSON.parse(text('package.json'))
    const bases = stages.map((stage) => /^\S+/.exec(stage)![0])

    expect(dockerfile).toContain(`\nARG NODE_IMAGE=node:${/\d+/.exec(engines.node)![0]}-slim\n`)
    expect(bases.filter((base) => !/^(\$\{NODE_IMAGE\}|process)$/.test(base))).toEqual([])
    expect(dockerfile).toContain(`\nARG VERSION=${version}\n`)
  })

  it('starts no shell, and no process as root', () => {
    const all = stages.find((stage) => / AS process\n/.test(stage))!
    const instructions = all.split('\n').filter((line) => /^[A-Z]/.test(line))

    expect(instructions.at(-1)).toBe('USER 1000:1000')
    expect(processes.filter((stage) => /\nUSER /.test(stage))).toEqual([])
    expect(processes.filter((stage) => !/\nENTRYPOINT \["node", .*\]\n/.test(stage))).toEqual([])
  })

  it('gives a service its own code, and none of another service', () => {
    for (const stage of processes.slice(0, -1)) {
      const [, name] = /^process AS (\w+)/.exec(stage)!
      const copied = [...stage.matchAll(/^COPY (.*)$/gm)].map(([, what]) => what)

      expect(copied).toEqual([`services/${name} services/${name}`])
      expect(stage).toMatch(new RegExp(`^ENTRYPOINT .*, "services/${name}/src/main\\.ts"\\]$`, 'm'))
    }
  })
})

function isOurs(image: string): boolean {
  return image.startsWith('semel/')
}

function isServed(name: string): boolean {
  return /^(orders|billing|notifications|messages|gateway)(-|$)/.test(name)
}
