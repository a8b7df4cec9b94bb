import { topics } from '@semel/contracts/catalogue'
import { runService } from '@semel/runtime/service'
import { messages } from './config.ts'

await runService(process.env, messages, topics)
