import { topics } from '@semel/contracts/catalogue'
import { runService } from '@semel/runtime/service'
import { notifications } from './config.ts'

await runService(process.env, notifications, topics)
