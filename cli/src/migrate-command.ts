import type { Command } from 'commander'
import { declareShowing, wholeNumber } from './command-line.ts'

/** Declares `semel migrate`. */
export function declareMigrate(program: Command): void {
  declareShowing(program, 'migrate', {
    does: 'Make or change the tables of services in the database of DATABASE_URL.',
    examples: [
      ['semel migrate orders', 'what orders needs'],
      ['semel migrate --wait 30', 'of all services, when the database is there'],
    ],
  })
    .argument('[services...]', 'default: all')
    .option('--wait <seconds>', 'wait so long for the database', wholeNumber, 0)
    .action(async (names: string[], options: { wait: number; json?: true }) => {
      // All services, which most commands do not need.
      const { migrateServices } = await import('./migrate.ts')
      const json = options.json === true
      process.stdout.write(await migrateServices(process.env, { names, wait: options.wait, json }))
    })
}
