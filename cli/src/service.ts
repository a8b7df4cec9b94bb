import type { owners } from '@semel/contracts/catalogue'
import type { Command } from 'commander'
import { declare } from './command-line.ts'
import { usageError } from './operator-error.ts'

/** What runs alone; each reads the environment for itself. */
const mains: Readonly<Record<keyof typeof owners | 'gateway', () => Promise<unknown>>> = {
  orders: () => import('@semel/orders/main'),
  billing: () => import('@semel/billing/main'),
  notifications: () => import('@semel/notifications/main'),
  messages: () => import('@semel/messages/main'),
  gateway: () => import('@semel/gateway/main'),
}

const known = Object.keys(mains).join(', ')

/** Declares `semel service`. */
export function declareService(program: Command): void {
  declare(program, 'service', {
    does: `Run one service alone in this process: ${known}.`,
    examples: [
      ['npm run service -- orders', 'on port 8081, on the database of DATABASE_URL'],
      ['SEMEL_MIGRATE=true npm run service -- billing', 'and make its tables before'],
      ['npm run service -- gateway', 'on port 8080, before the others'],
    ],
  })
    .argument('<name>', 'the service')
    .action(async (name: string) => {
      if (!Object.hasOwn(mains, name)) {
        throw usageError(`there is no service "${name}" (known are ${known})`)
      }
      await mains[name as keyof typeof mains]()
    })
}
