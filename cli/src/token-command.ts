import { type Command, InvalidArgumentError } from 'commander'
import { declare, howMany, uuid } from './command-line.ts'
import { usageError } from './operator-error.ts'

const hoursMax = 24

type Options = Readonly<{ user?: string; operator?: string | true; hours: number }>

/** Declares `semel token`. */
export function declareToken(program: Command): void {
  declare(program, 'token', {
    does: 'Print a token for a caller, signed with AUTH_JWT_SECRET; whoever has it is that caller.',
    examples: [
      ['semel token --operator', 'for one who may act for every user, for an hour'],
      ['semel token --user 7c9e6679-7425-40de-944b-e07fc1f90ae7 --hours 8', 'for a user'],
    ],
  })
    .option('--user <uuid>', 'the user', uuid)
    .option('--operator [name]', 'an operator (default name: operator)')
    .option('--hours <number>', `how long it is good for, at most ${hoursMax}`, hours, 1)
    .action(async ({ user, operator, hours }: Options) => {
      const caller = callerOf({ user, operator })
      // The settings of processes, which no other command needs.
      const { makeToken } = await import('./token.ts')
      process.stdout.write(`${makeToken(process.env, { caller, hours, now: new Date() })}\n`)
    })
}

function callerOf({
  user,
  operator,
}: Readonly<{ user?: string | undefined; operator?: string | true | undefined }>) {
  if ((user === undefined) === (operator === undefined)) {
    throw usageError('whose token is it: name one of --user <uuid> and --operator [name]')
  }
  if (user !== undefined) return { user }
  if (operator === '') throw usageError('an operator must have a name')
  return { operator: operator === true || operator === undefined ? 'operator' : operator }
}

function hours(text: string): number {
  const value = howMany(text)
  if (value > hoursMax) throw new InvalidArgumentError(`It must be at most ${hoursMax}.`)
  return value
}
