import { expect, it } from 'vitest'
import { simulate } from '../src/simulate.ts'

/** The command line, and what it wrote. */
async function run(...args: string[]) {
  const written = { out: '', progress: '' }
  const screen = (name: 'out' | 'progress') => ({
    isTTY: false as const,
    write(text: string) {
      written[name] += text
      return true
    },
  })
  const screens = { out: screen('out'), progress: screen('progress') }
  const code = await simulate(args, screens as unknown as Parameters<typeof simulate>[1])
  return { code, ...written }
}

it('says how it is used', async () => {
  expect(await run('--help')).toMatchObject({ code: 0, out: expect.stringContaining('examples') })
})

it.each([
  ['--seeds', 'many'],
  ['--seeds', '0'],
  ['--seed', '-1'],
  ['--no-such-option'],
  ['--mutant', 'nobody made it'],
])('refuses what it does not understand: %s %s', async (...args) => {
  const { code, progress } = await run(...args)

  expect(code).toBe(1)
  expect(progress).toMatch(/^simulate: /)
})

it('replays one schedule, to the same trace', async () => {
  const first = await run('--seed', '12')
  const second = await run('--seed', '12', '--trace')

  expect(first).toMatchObject({ code: 0, out: expect.stringMatching(/trace [0-9a-f]{16}\n/) })
  expect(second.out.endsWith(first.out)).toBe(true)
})

it('fails when an invariant is broken, and prints the command that shows it again', async () => {
  const mutant = 'decided without looking'
  const many = await run('--seeds', '20', '--threads', '1', '--mutant', mutant)
  const seed = /npm run simulate -- --seed (\d+) --mutant 'decided without looking'/.exec(many.out)
  const one = await run('--seed', seed![1]!, '--mutant', mutant)

  expect(many.code).toBe(1)
  expect(one).toMatchObject({ code: 1, out: expect.stringMatching(/ {2}I\d+ /) })
})

it('counts rare events', async () => {
  const { out } = await run('--seeds', '100', '--threads', '1')

  expect(out).toMatch(/[1-9]\d* {2}unknown commit resolved as committed\n/)
})
