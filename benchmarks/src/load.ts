/** What to ask a server: `POST /orders`, over and over, on a number of connections. */
export type Load = Readonly<{
  port: number
  connections: number
  seconds: number
  /** Begins every key, so that no two runs share one. */
  run: string
  /** How many keys are used in turn; 0: every request brings a fresh one. */
  keys: number
  /** A tenth of the orders is one user's, the others are spread over 999. Default: over 1,000. */
  isSkewed?: boolean
}>

/** What a load tool counted. */
export type Loaded = Readonly<{
  /** Answers of a 2xx status, a second. */
  rate: number
  p50Ms: number
  p99Ms: number
  /** Answers of a 2xx status. */
  answered: number
  /** Answers of any other status. */
  non2xx: number
  /** Connections refused or broken, and requests that timed out. */
  errors: number
}>

/** A load tool. It runs in a process of its own, so that it never shares a server's event loop. */
export type Driver = Readonly<{ name: string; run(load: Load): Promise<Loaded> }>
