import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, open, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { freePort } from './free-port.ts'
import { jarFolder, javaCommand, whatKafkaLacks } from './install-kafka.ts'
import {
  guardSettings,
  type KafkaGuard,
  type KafkaUser,
  makeCertificate,
  scramUsers,
} from './kafka-guard.ts'
import { PartError } from './part-error.ts'

export { whatKafkaLacks } from './install-kafka.ts'

/** A broker that runs, and is the whole cluster. */
export type Kafka = Readonly<{
  /** As clients take them: host and port. */
  brokers: readonly string[]
  /** Where it is entered with credentials, if it has a user. */
  guard?: KafkaGuard
  /** Stops answering, as a machine does that hangs, until `wake`. */
  hang(): void
  wake(): void
  /** Its process; undefined while it does not run. */
  pid(): number | undefined
  /** Ends it as a machine that fails does: nothing is written after. */
  kill(): Promise<void>
  /** Starts it again, on the same data and port. */
  start(): Promise<void>
  /** Ends it in order. */
  stop(): Promise<void>
}>

const readyMaxMs = 60_000
const lookEveryMs = 50
const clusterId = 'c2VtZWwta2Fma2EtMDAwMQ'

/**
 * Starts an Apache Kafka broker (KRaft, one node, loopback, no password) and resolves when it takes
 * requests: about three seconds. `folder` takes its data and its log, `kafka.log`; the next start
 * on it finds what the last one left. It makes no topic unless it is asked to. Should this process
 * be killed, the broker stays.
 *
 * @param options `port`: by default a free one. `user`: takes requests at two ports more, of this
 * user alone, by PLAIN or SCRAM, without TLS and with it.
 * @throws {PartError} where Java or the broker's programs are not on this machine.
 */
export async function startKafka(
  options: Readonly<{ folder: string; port?: number; user?: KafkaUser }>,
): Promise<Kafka> {
  const lacks = whatKafkaLacks()
  if (lacks !== undefined) throw new PartError(lacks)
  const { folder, user, port = await freePort() } = options
  await mkdir(folder, { recursive: true })
  const settings = join(folder, 'server.properties')
  const guard = user && (await guardIn(folder))
  await writeFile(
    settings,
    propertiesOf(join(folder, 'data'), {
      listeners: {
        ...{ PLAINTEXT: `127.0.0.1:${port}`, CONTROLLER: `127.0.0.1:${await freePort()}` },
        ...(guard === undefined ? {} : { SASL: guard.sasl, TLS: guard.saslTls }),
      },
      more: user === undefined ? {} : guardSettings(folder, user),
    }),
  )
  if (!existsSync(join(folder, 'data', 'meta.properties'))) {
    format(settings, user === undefined ? [] : scramUsers(user))
  }

  let broker: ChildProcess | undefined
  const end = async (signal: NodeJS.Signals) => {
    const ending = broker
    broker = undefined
    if (ending === undefined || ending.exitCode !== null || ending.signalCode !== null) return
    const ended = new Promise((resolve) => ending.once('exit', resolve))
    ending.kill(signal)
    await ended
  }
  const start = async () => {
    await end('SIGTERM')
    broker = await startBroker(folder, settings)
  }
  await start()
  process.once('exit', () => broker?.kill('SIGKILL'))
  return {
    brokers: [`127.0.0.1:${port}`],
    ...(guard === undefined ? {} : { guard }),
    hang: () => void broker?.kill('SIGSTOP'),
    wake: () => void broker?.kill('SIGCONT'),
    pid: () => broker?.pid,
    kill: () => end('SIGKILL'),
    start,
    stop: () => end('SIGTERM'),
  }
}

async function guardIn(folder: string): Promise<KafkaGuard> {
  const [sasl, saslTls] = [await freePort(), await freePort()].map((port) => `127.0.0.1:${port}`)
  return { sasl: sasl!, saslTls: saslTls!, ca: await makeCertificate(folder) }
}

function format(settings: string, users: readonly string[]): void {
  const { status, stdout, stderr } = spawnSync(
    javaCommand(),
    [
      ...javaOptions(),
      ...['kafka.tools.StorageTool', 'format', '--standalone', '-t', clusterId, '-c', settings],
      ...users,
    ],
    { encoding: 'utf8' },
  )
  if (status !== 0) throw new Error(`Kafka cannot format its folder: ${stdout}${stderr}`)
}

async function startBroker(folder: string, settings: string): Promise<ChildProcess> {
  const logFile = join(folder, 'kafka.log')
  const log = await open(logFile, 'w')
  const args = [...javaOptions(), 'kafka.Kafka', settings]
  // Detached, as the other parts: Ctrl-C in the terminal reaches this process, which ends them.
  const broker = spawn(javaCommand(), args, { stdio: ['ignore', log.fd, log.fd], detached: true })
  await log.close()
  const deadline = performance.now() + readyMaxMs
  for (;;) {
    const said = await readFile(logFile, 'utf8')
    if (said.includes('Kafka Server started')) return broker
    if (broker.exitCode !== null || performance.now() > deadline) {
      broker.kill('SIGKILL')
      throw new Error(`Kafka does not start:\n${said.slice(-2000)}`)
    }
    await delay(lookEveryMs)
  }
}

/** A small heap and no second compiler: it starts sooner, and shares the machine. */
function javaOptions(): string[] {
  const log = '-Dorg.slf4j.simpleLogger'
  return [
    ...['-Xmx256m', '-XX:TieredStopAtLevel=1', '-cp', join(jarFolder(), '*')],
    ...[`${log}.defaultLogLevel=warn`, `${log}.log.kafka.server.KafkaRaftServer=info`],
  ]
}

const protocolOf: Readonly<Record<string, string>> = { SASL: 'SASL_PLAINTEXT', TLS: 'SASL_SSL' }

function propertiesOf(
  data: string,
  { listeners, more }: Readonly<{ listeners: Record<string, string>; more: object }>,
): string {
  const replication = ['offsets.topic', 'transaction.state.log', 'share.coordinator.state.topic']
  const { CONTROLLER: controller, ...advertised } = listeners
  const listed = (all: object) => Object.entries(all).map(([name, at]) => `${name}://${at}`)
  const protocols = Object.keys(listeners).map(
    (name) => `${name}:${protocolOf[name] ?? 'PLAINTEXT'}`,
  )
  return Object.entries({
    'process.roles': 'broker,controller',
    'node.id': 1,
    listeners: listed(listeners),
    'advertised.listeners': listed(advertised),
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'PLAINTEXT',
    'listener.security.protocol.map': protocols,
    'controller.quorum.bootstrap.servers': controller,
    'log.dirs': data,
    ...Object.fromEntries(replication.map((name) => [`${name}.replication.factor`, 1])),
    'transaction.state.log.min.isr': 1,
    'share.coordinator.state.topic.min.isr': 1,
    // The usual 128 MiB, in one piece, is at times more than such a heap has.
    'log.cleaner.dedupe.buffer.size': 4 * 2 ** 20,
    'offsets.topic.num.partitions': 1,
    'transaction.state.log.num.partitions': 1,
    'group.initial.rebalance.delay.ms': 0,
    'auto.create.topics.enable': false,
    // Without these two, the first acknowledgement after a kill takes 13 s; with them, 3.5 s.
    'broker.heartbeat.interval.ms': 250,
    'broker.session.timeout.ms': 1500,
    ...more,
  })
    .map(([name, value]) => `${name}=${value}\n`)
    .join('')
}
