const day = 24 * 60 * 60
const kib = 1024
const mega = 1e6
const tera = 1e12

/**
 * What one order costs, from create to notification, registered, in one process on one database.
 * Times and log: `npm run bench -- saga`. Bytes: tables with their indexes after 11,314 orders.
 */
export const orderCosts = {
  /** Seconds of processor. */
  nodeSeconds: 500e-6,
  postgresSeconds: 320e-6,
  walBytes: 9 * kib,
  /** Orders, notifications, entries, decisions and charges: kept for ever. */
  keptBytes: 819 + 300 + 298 + 154 + 147,
  /** Five commands with their answers: kept while they are replayable. */
  answerBytes: 1906,
  /** The same commands without: kept while they are remembered. */
  tombstoneBytes: 5.17 * 151,
  /** The registry's entry: kept as long as commands are remembered. */
  registryBytes: 1033,
  /** Four messages: kept for a while after all groups have read them. */
  outboxBytes: 2451,
  /** The same on the wire: bodies, and headers of 60 bytes for each of four attributes. */
  messageBytes: 1326 + 4.08 * 240,
} as const

/** What is assumed, not measured: change it to what you have. */
export const assumptions = {
  /** How much of a processor is planned with; the rest is for peaks and restarts. */
  usage: 0.6,
  /** Of one PostgreSQL server: cores, and write-ahead log in bytes a second, replicas included. */
  serverCores: 32,
  serverWalBytes: 200 * mega,
  /** What one Kafka broker takes in, in bytes a second, copies of other brokers included. */
  brokerBytes: 100 * mega,
  replicas: 3,
  brokersMin: 3,
  /** How long answers, commands and messages are kept, in days: the defaults of the product. */
  replayableDays: 1,
  rememberedDays: 30,
  messagesDays: 7,
} as const

export type Assumptions = Readonly<Record<keyof typeof assumptions, number>>

/** What a steady rate of orders needs. */
export type Scale = Readonly<{
  nodeCores: number
  postgresCores: number
  walMegabytes: number
  postgresServers: number
  brokers: number
  brokerMegabytes: number
  keptTerabytesADay: number
  standingTerabytes: number
}>

/** Reckons what a steady number of orders a second needs, from costs and assumptions alone. */
export function scaleOf(ordersPerSecond: number, assumed: Assumptions = assumptions): Scale {
  const { usage, serverCores, serverWalBytes, brokerBytes, replicas, brokersMin } = assumed
  const { replayableDays, rememberedDays, messagesDays } = assumed
  const cost = orderCosts
  const ordersADay = ordersPerSecond * day
  const postgresCores = (ordersPerSecond * cost.postgresSeconds) / usage
  const walBytes = ordersPerSecond * cost.walBytes
  const brokerIn = ordersPerSecond * cost.messageBytes * replicas
  const standingBytes =
    cost.answerBytes * replayableDays +
    cost.tombstoneBytes * (rememberedDays - replayableDays) +
    cost.registryBytes * rememberedDays +
    cost.outboxBytes * messagesDays
  return {
    nodeCores: Math.ceil((ordersPerSecond * cost.nodeSeconds) / usage),
    postgresCores: Math.ceil(postgresCores),
    walMegabytes: walBytes / mega,
    postgresServers: Math.ceil(Math.max(postgresCores / serverCores, walBytes / serverWalBytes)),
    brokers: Math.max(brokersMin, Math.ceil(brokerIn / brokerBytes)),
    brokerMegabytes: brokerIn / mega,
    keptTerabytesADay: (ordersADay * cost.keptBytes) / tera,
    standingTerabytes: (ordersADay * standingBytes) / tera,
  }
}

const titles: Readonly<Record<keyof Scale, string>> = {
  nodeCores: 'cores for Node',
  postgresCores: 'cores for PostgreSQL',
  walMegabytes: 'write-ahead log, MB/s',
  postgresServers: 'PostgreSQL primaries',
  brokers: 'Kafka brokers',
  brokerMegabytes: 'into all brokers, MB/s',
  keptTerabytesADay: 'kept for ever, TB a day',
  standingTerabytes: 'kept for a time, TB',
}

/** The table of `docs/scale.md`, as Markdown: a column for each rate. */
export function scaleTable(rates: readonly number[]): string {
  const scales = rates.map((rate) => scaleOf(rate))
  const named = Object.entries(titles) as [keyof Scale, string][]
  return [
    ['orders a second', ...rates.map((rate) => rate.toLocaleString('en'))],
    ['---', ...rates.map(() => '---:')],
    ...named.map(([name, title]) => [title, ...scales.map((scale) => written(scale[name]))]),
  ]
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n')
}

function written(value: number): string {
  return value.toLocaleString('en', { maximumSignificantDigits: value < 1000 ? 2 : 4 })
}
