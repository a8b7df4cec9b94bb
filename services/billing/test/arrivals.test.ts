import { describe, expect, it } from 'vitest'
import { type AccountState, accountDecider, type BillingCommand } from '../src/account.ts'
import { absent, commandOf, type Intent, unsoundness, userOfWorld } from './histories.ts'

const decider = accountDecider('EUR')
const open: Intent = { kind: 'open', name: 'Ann' }
const deposit: Intent = { kind: 'deposit', amount: 100, nth: 0 }
const charge = (version: number, amount: number, copy = 0, order = 0): Intent => ({
  ...{ kind: 'charge', order, version, amount, copy },
})

/** Each arrives up to twice: a charge as another message, all others under the same key. */
const arrivals: Intent[][] = [
  [open, open],
  [deposit, deposit],
  [charge(1, 80, 0), charge(1, 80, 1)],
  [charge(2, 90, 0), charge(2, 90, 1)],
  [charge(3, 0, 0), charge(3, 0, 1)],
]

type World = Readonly<{
  account: AccountState
  known: ReadonlySet<string>
  /** What was told about a version, by the version. */
  told: ReadonlyMap<number, string>
}>

const nothing: World = { account: absent(userOfWorld(0)), known: new Set(), told: new Map() }

/** One arrival, as the executor has it: a key that is known decides nothing. */
function arrive({ account, known, told }: World, intent: Intent): World {
  const command = commandFor(intent)
  if (known.has(command.id)) return { account, known, told }
  const { state, messages } = decider.decide(account, command)
  const next = { account: state, known: new Set(known).add(command.id) }
  if (intent.kind !== 'charge' || messages.length === 0) return { ...next, told }
  const tells = JSON.stringify(messages)
  if ((told.get(intent.version) ?? tells) !== tells) throw new Error(`told otherwise: ${tells}`)
  return { ...next, told: new Map(told).set(intent.version, tells) }
}

/** Made once for each intent: hundreds of thousands arrive. */
function commandFor(intent: Intent): BillingCommand {
  const made = commands.get(intent) ?? commandOf(intent)
  commands.set(intent, made)
  return made
}

const commands = new Map<Intent, BillingCommand>()

function arriveAll(intents: readonly Intent[]): World {
  return intents.reduce(arrive, nothing)
}

/** What one order costs one account by the order of arrival, worked out by the rules alone. */
function explained(sequence: readonly Intent[]) {
  const seen = new Set<Intent>()
  let balance: number | undefined
  let [highest, held] = [0, 0]
  for (const intent of sequence) {
    if (intent.kind === 'open') balance ??= 0
    if (intent.kind === 'deposit' && balance !== undefined && !seen.has(intent)) balance += 100
    if (intent.kind === 'charge' && intent.version > highest) {
      highest = intent.version
      const available = (balance ?? 0) + held
      held = balance !== undefined && intent.amount <= available ? intent.amount : 0
      balance = balance === undefined ? undefined : available - held
    }
    seen.add(intent)
  }
  return { balance, held, highest }
}

function seenIn({ account }: World) {
  const { balance, held } = account.status === 'open' ? account : { balance: undefined, held: 0 }
  return { balance, held, highest: [...account.charges.values()][0]?.version ?? 0 }
}

describe('opening, a deposit, two charges and a cancel', () => {
  it('end as their order of arrival explains, in every order and with every repeat', () => {
    let sequences = 0
    const visit = (world: World, sequence: readonly Intent[], left: readonly Intent[][]): void => {
      sequences += 1
      const fault = unsoundness(world.account)
      if (fault !== undefined) throw new Error(`${fault}: ${JSON.stringify(sequence)}`)
      const [is, shouldBe] = [seenIn(world), explained(sequence)]
      if (JSON.stringify(is) !== JSON.stringify(shouldBe)) expect({ is, sequence }).toBe(shouldBe)
      for (const [place, [next, ...later]] of left.entries()) {
        if (next !== undefined) {
          visit(arrive(world, next), [...sequence, next], left.with(place, later))
        }
      }
    }

    visit(nothing, [], arrivals)

    // As many as there are ways to begin a sequence in which each of the five stands twice.
    expect(sequences).toBe(326_011)
  })
})

describe('a charge', () => {
  it('that was declined stays declined when it comes again after a deposit', () => {
    const before = arriveAll([open, charge(1, 80)])
    const { state, messages } = decider.decide(
      arrive(before, deposit).account,
      commandOf(charge(1, 80, 1)),
    )

    expect(messages).toMatchObject([{ body: { outcome: 'declined', reason: 'balance-too-low' } }])
    expect(state).toMatchObject({ balance: 100, held: 0 })
  })

  it('without an account is declined, and so for ever; its next version is paid', () => {
    const early = arriveAll([charge(1, 80), open, deposit, charge(1, 80, 1)])
    const later = arrive(early, charge(2, 90))

    expect(early.told.get(1)).toContain('no-account')
    expect(early.account).toMatchObject({ balance: 100 })
    expect(later.told.get(2)).toContain('paid')
    expect(later.account).toMatchObject({ balance: 10, held: 90 })
  })

  it('of the whole balance is paid, and one minor unit more is declined', () => {
    const whole = arriveAll([open, deposit, charge(1, 100)])
    const more = arriveAll([open, deposit, charge(1, 101)])

    expect(whole.account).toMatchObject({ balance: 0, held: 100 })
    expect(more.account).toMatchObject({ balance: 100, held: 0 })
  })

  it('that can no longer be afforded returns what the order held', () => {
    const { account } = arriveAll([open, deposit, charge(1, 80), charge(2, 101)])

    expect(account).toMatchObject({ balance: 100, held: 0 })
    const entries = account.status === 'open' ? account.entries : []
    expect(entries.map(({ kind, amount }) => [kind, amount])).toEqual([
      ['deposit', 100],
      ['charge', -80],
      ['refund', 80],
    ])
  })

  it('that a cancel has overtaken never applies, and its money returns only once', () => {
    const cancels = [charge(3, 0), charge(3, 0, 1)]
    const { account, told } = arriveAll([open, deposit, charge(1, 80), ...cancels, charge(2, 90)])

    expect(account).toMatchObject({ balance: 100, held: 0, entryCount: 3 })
    expect([...told.keys()]).toEqual([1])
  })

  it('in another currency, or for another user than before, is left to a person', () => {
    const { account } = arriveAll([open, deposit, charge(1, 80)])
    const command = commandOf(charge(2, 90))
    const saying = (more: object) =>
      ({ ...command, input: { ...command.input, ...more } }) as BillingCommand
    const stranger = { ...absent(userOfWorld(1)), charges: account.charges }

    expect(() => decider.decide(account, saying({ currency: 'USD' }))).toThrow('in USD')
    expect(() => decider.decide(stranger, saying({ userId: userOfWorld(1) }))).toThrow(
      'another user',
    )
  })

  it('with another amount than its version was decided with is left to a person', () => {
    const { account } = arriveAll([open, deposit, charge(1, 80), charge(2, 90)])

    expect(() => decider.decide(account, commandOf(charge(1, 70)))).toThrow('charged with 80')
    expect(() => decider.decide(account, commandOf(charge(2, 70)))).toThrow('charged with 90')
  })
})

describe('a deposit', () => {
  it('is refused where the balance and what is held could not be counted together', () => {
    const most: Intent = { kind: 'deposit', amount: Number.MAX_SAFE_INTEGER - 1, nth: 1 }
    const rich = arriveAll([open, most, charge(1, 80)])
    const two: Intent = { kind: 'deposit', amount: 2, nth: 2 }
    const one: Intent = { kind: 'deposit', amount: 1, nth: 3 }

    const refused = decider.decide(rich.account, commandOf(two))
    const taken = arrive(arrive(rich, one), charge(2, 0))

    expect(refused.outcome).toMatchObject({ kind: 'refused', problem: 'balance-too-large' })
    expect(refused.state).toBe(rich.account)
    expect(taken.account).toMatchObject({ balance: Number.MAX_SAFE_INTEGER, held: 0 })
  })
})
