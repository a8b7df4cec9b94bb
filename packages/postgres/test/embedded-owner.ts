// A process that owns an embedded PostgreSQL until it is killed. Prints the server's pid.
import { startEmbedded } from '../src/embedded.ts'

const [folder = ''] = process.argv.slice(2)
const postgres = await startEmbedded({ folder })
process.stdout.write(`${postgres.pid}\n`)
