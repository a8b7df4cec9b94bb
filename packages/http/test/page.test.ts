import { answerPage, type QueryAnswer } from '@semel/http'
import { expect, it } from 'vitest'

type Filters = Readonly<{ colour?: string | undefined; sizes?: readonly number[] }>

/** A list of the numbers from 7 down, as a service shows it. */
function page(
  asked: { limit?: number; cursor?: string },
  { name = 'list-numbers', filters = {} }: { name?: string; filters?: Filters } = {},
): Promise<QueryAnswer> {
  return answerPage(asked, {
    ...{ query: { name }, filters },
    select: async ({ below, limit }) =>
      [7, 6, 5, 4, 3, 2, 1].filter((number) => number < below).slice(0, limit),
    numberOf: (number) => number,
    view: (number) => ({ number }),
  })
}

function bodyOf(answer: QueryAnswer): { items: { number: number }[]; nextCursor: string | null } {
  if ('problem' in answer) throw new Error(JSON.stringify(answer))
  return answer.body as ReturnType<typeof bodyOf>
}

const numbersIn = (answer: QueryAnswer) => bodyOf(answer).items.map(({ number }) => number)
const cursorIn = (answer: QueryAnswer) => bodyOf(answer).nextCursor!
const refused = {
  problem: 'request-invalid',
  members: { errors: [expect.objectContaining({ in: 'query', pointer: '/cursor' })] },
}

it('leads through a list page by page, of whatever lengths', async () => {
  const first = await page({ limit: 2 })
  const second = await page({ limit: 4, cursor: cursorIn(first) })
  const third = await page({ limit: 1, cursor: cursorIn(second) })

  expect([first, second, third].map(numbersIn)).toEqual([[7, 6], [5, 4, 3, 2], [1]])
  expect(cursorIn(third)).toBeNull()
})

it('gives cursors that lead on in their own list alone', async () => {
  const own = { filters: { colour: 'red', sizes: [1, 2] } }
  const cursor = cursorIn(await page({ limit: 2 }, own))
  const others = [
    { ...own, name: 'list-others' },
    {},
    { filters: { colour: 'red' } },
    { filters: { colour: 'blue', sizes: [1, 2] } },
    { filters: { colour: 'red', sizes: [12] } },
  ]

  const sameList = { filters: { sizes: [1, 2], colour: 'red' } }
  expect(numbersIn(await page({ cursor }, sameList))).toEqual([5, 4, 3, 2, 1])
  for (const other of others) expect(await page({ cursor }, other)).toEqual(refused)
})

it('takes a filter that is not given for none', async () => {
  const cursor = cursorIn(await page({ limit: 6 }, { filters: { colour: undefined } }))

  expect(numbersIn(await page({ cursor }))).toEqual([1])
})

it.each(['0', '-1', '1.5', '2e0', '9007199254740993', '', ' 2', 'x'])(
  'refuses a cursor that was changed to lead to %j',
  async (number) => {
    const cursor = cursorIn(await page({ limit: 2 }))
    const text = Buffer.from(cursor, 'base64url').toString()
    const changed = Buffer.from(text.replace(/6$/, number)).toString('base64url')

    expect(changed).not.toBe(cursor)
    expect(await page({ cursor: changed })).toEqual(refused)
  },
)
