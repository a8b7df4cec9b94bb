import { exitCodes } from '@semel/runtime'
import { type Command, InvalidArgumentError } from 'commander'
import { declare, wholeNumber } from './command-line.ts'

/** Declares `semel probe`. */
export function declareProbe(program: Command): void {
  declare(program, 'probe', {
    does: 'Send one command twice to a running Semel, and see that it takes effect once.',
    examples: [
      ['semel probe http://127.0.0.1:8080', 'the whole of it, or the gateway'],
      ['semel probe http://billing --wait 60', 'a service alone, when it is ready'],
    ],
    more:
      '\nIt leaves an order (where only billing is, an account with a deposit of 1) of a user\n' +
      'that nobody else knows. With AUTH_JWT_SECRET it comes as the operator "probe", by a\n' +
      'token of its own.\n',
  })
    .argument('<url>', 'where it is', address)
    .option('--wait <seconds>', 'wait so long until it is ready and answers', wholeNumber, 0)
    .action(async (url: string, { wait }: { wait: number }) => {
      const { probe } = await import('./probe.ts')
      const { text, holds } = await probe(process.env, { url, wait })
      process.stdout.write(text)
      if (!holds) process.exitCode = exitCodes.violations.code
    })
}

function address(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (
    url === undefined ||
    !/^https?:$/.test(url.protocol) ||
    `${url.username}${url.password}${url.search}${url.hash}` !== ''
  ) {
    throw new InvalidArgumentError('It must be http://host:port, or https://.')
  }
  return url.href.replace(/\/+$/, '')
}
