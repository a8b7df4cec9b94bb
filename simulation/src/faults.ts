import type { Random } from './random.ts'

/** What goes wrong in one schedule, and how often. Of each kind, most schedules have nothing. */
export type Faults = Readonly<{
  /** All services in one process over one database, as `npm start` has them; else each alone. */
  isTogether: boolean
  crashRate: number
  crashesMax: number
  alarmRate: number
  awayRate: number
  brokenRate: number
  conflictRate: number
  unknownRate: number
  /** Batches that a second owner of the partition gets as well. */
  redeliveryRate: number
  /** Messages that a relay sends and does not take note of. */
  republishRate: number
  /** Of what was told: its readers in the process are not handed it. */
  handOverLossRate: number
  /** Messages of other keys overtake. */
  reorders: boolean
  publishFailureRate: number
  deliveryDelayMax: number
  poisonRate: number
  garbage: number
  resets: number
  forgets: boolean
  redrivesEarly: boolean
  mendsEarly: boolean
  isCached: boolean
  replayableMs: number
  partitions: number
  /** How often the number of partitions changes while messages are on their way. */
  repartitions: number
  batchSizeMax: number
  replicas: number
}>

/** Draws the faults of a schedule: each kind is on or off, at a rate of its own. */
export function drawFaults(random: Random): Faults {
  const rate = (max: number) => (random.chance(0.3) ? random.fraction() * max : 0)
  return {
    isTogether: random.chance(0.5),
    crashRate: rate(0.07),
    crashesMax: 1 + random.below(3),
    alarmRate: rate(0.15),
    awayRate: rate(0.1),
    brokenRate: rate(0.4),
    conflictRate: rate(0.2),
    unknownRate: rate(0.3),
    redeliveryRate: rate(0.5),
    republishRate: rate(0.4),
    handOverLossRate: rate(0.5),
    reorders: random.chance(0.5),
    publishFailureRate: rate(0.3),
    deliveryDelayMax: random.chance(0.3) ? random.below(40) : 0,
    poisonRate: rate(0.15),
    garbage: random.chance(0.1) ? 1 : 0,
    resets: random.chance(0.2) ? 1 + random.below(2) : 0,
    forgets: random.chance(0.5),
    redrivesEarly: random.chance(0.5),
    mendsEarly: random.chance(0.5),
    isCached: random.chance(0.5),
    replayableMs: random.chance(0.25) ? random.below(40) : 24 * 60 * 60 * 1000,
    partitions: 1 + random.below(2),
    repartitions: random.chance(0.4) ? 1 + random.below(3) : 0,
    batchSizeMax: random.chance(0.5) ? 1 + random.below(3) : 256,
    replicas: random.chance(0.4) ? 2 : 1,
  }
}

/** Nothing goes wrong any more: what still waits has to settle. */
export function healed(faults: Faults): Faults {
  const none = {
    crashRate: 0,
    alarmRate: 0,
    awayRate: 0,
    brokenRate: 0,
    conflictRate: 0,
    unknownRate: 0,
    redeliveryRate: 0,
    republishRate: 0,
    handOverLossRate: 0,
    publishFailureRate: 0,
    deliveryDelayMax: 0,
    poisonRate: 0,
  }
  return { ...faults, ...none }
}
