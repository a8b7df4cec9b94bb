import type { ParametersOf } from '@semel/contract'
import { getAccount, listEntries } from '@semel/contracts/billing'
import { answerPage, type MountedQuery, mountQuery } from '@semel/http'
import type { Queryable } from '@semel/postgres'
import { accountView, entryView } from './account.ts'
import { findAccount, listEntries as selectEntries } from './sql.ts'

const unknown = { problem: 'account-unknown' }

/** What can be asked about accounts. Whose they are, the edge judges: the path names the user. */
export function billingQueries(db: Queryable): readonly MountedQuery[] {
  return [
    mountQuery(getAccount, async (_, { userId }) => {
      const account = await findAccount(db, userId)
      return account === undefined ? unknown : { body: accountView(account) }
    }),
    mountQuery(listEntries, (_, parameters) => list(db, parameters)),
  ]
}

async function list(db: Queryable, { userId, ...page }: ParametersOf<typeof listEntries>) {
  if ((await findAccount(db, userId)) === undefined) return unknown
  return answerPage(page, {
    query: listEntries,
    filters: { userId },
    select: (wanted) => selectEntries(db, wanted),
    numberOf: ({ number }) => number,
    view: entryView,
  })
}
