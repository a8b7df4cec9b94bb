import { once } from 'node:events'
import { join } from 'node:path'
import { cacheFolder, installKafka, PartMissing } from './install-kafka.ts'
import { startKafka } from './kafka.ts'

const [verb, part, port = '9092', ...more] = process.argv.slice(2)

try {
  if (verb === undefined) await installKafka(console.log)
  else if (verb === 'start' && part === 'kafka' && more.length === 0) await runKafka(Number(port))
  else throw new PartMissing('npm run parts, or npm run parts -- start kafka [port]')
} catch (error) {
  if (!(error instanceof PartMissing)) throw error
  console.error(error.message)
  process.exitCode = 1
}

/** In the foreground, until a signal comes. */
async function runKafka(at: number): Promise<void> {
  await installKafka(console.log)
  const folder = join(cacheFolder(), 'kafka-data')
  const signals = ['SIGINT', 'SIGTERM'].map((signal) => once(process, signal))
  const kafka = await startKafka({ folder, port: at })
  console.log(`Kafka takes requests at ${kafka.brokers[0]}; its data is in ${folder}`)
  await Promise.race(signals)
  await kafka.stop()
}
