import { topics } from '@semel/contracts/catalogue'
import { runService } from '@semel/runtime/service'
import { orders } from './config.ts'

await runService(process.env, orders, topics)
