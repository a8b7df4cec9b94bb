import { once } from 'node:events'
import { PartError } from './part-error.ts'
import { installParts, type Part, partsNamed, startParts } from './parts.ts'

const usage = `Parts that Semel can use besides PostgreSQL: redis, kafka, smtp.

npm run parts                      get them all, once, and say what is missing
npm run parts -- start             and run them, until Ctrl-C
npm run parts -- start redis smtp  these alone
npm run parts -- --help            this text

The last lines that start prints are the environment that npm start needs to use them:
REDIS_URL=… SMTP_URL=… npm start. The mail server delivers nothing, and shows what it gets. Kafka is
kept in ~/.cache/semel, or in the folder that PARTS_CACHE names, and its data beside it.
`

const [verb, ...names] = process.argv.slice(2)

try {
  if (verb === '--help' || verb === '-h') process.stdout.write(usage)
  else if (verb === undefined) await install(partsNamed([]))
  else if (verb === 'start') await run(partsNamed(names))
  else throw new PartError(`"${verb}" is not known here\n\n${usage}`)
} catch (error) {
  if (!(error instanceof PartError)) throw error
  console.error(error.message)
  process.exitCode = 1
}

async function install(named: [string, Part][]): Promise<boolean> {
  const isAllThere = await installParts(named, console.log)
  if (!isAllThere) process.exitCode = 1
  return isAllThere
}

/** In the foreground, until a signal comes. */
async function run(named: [string, Part][]): Promise<void> {
  if (!(await install(named))) return
  const signals = ['SIGINT', 'SIGTERM'].map((signal) => once(process, signal))
  const { env, stop } = await startParts(named, console.log)
  console.log(
    Object.entries(env)
      .map(([name, value]) => `${name}=${value}`)
      .join('\n'),
  )
  await Promise.race(signals)
  await stop()
}
