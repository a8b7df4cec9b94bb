import type { Command } from 'commander'
import { declareShowing } from './command-line.ts'

/** Declares `semel config`. */
export function declareConfig(program: Command): void {
  declareShowing(program, 'config', {
    does: 'Show what a process can be told by its environment, and what it is told now.',
    examples: [
      ['semel config orders', 'what orders alone reads, and what is set'],
      ['semel config start', 'the same of npm start'],
      ['semel config --env > .env', 'every variable there is, as a file to fill in'],
    ],
  })
    .argument('[process]', 'start, or a service; default: all')
    .option('--env', 'every variable with its default, as a file of an environment')
    .action(async (name: string | undefined, options: { env?: true; json?: true }) => {
      // All services, which most commands do not need.
      const { envExample, showSettings } = await import('./settings.ts')
      const shown = options.env
        ? envExample()
        : showSettings(name, process.env, options.json === true)
      process.stdout.write(shown)
    })
}
