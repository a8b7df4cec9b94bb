import { topics } from '@semel/contracts/catalogue'
import { runService } from '@semel/runtime/service'
import { billing } from './config.ts'

await runService(process.env, billing, topics)
