import { type TObject, Type } from 'typebox'

/** The small schemas that several contracts speak in: ids, money, versions, pages of lists. */

const hex = '[0-9a-fA-F]'

/** Any UUID. */
export const Uuid = Type.String({
  format: 'uuid',
  pattern: `^${hex}{8}-${hex}{4}-${hex}{4}-${hex}{4}-${hex}{12}$`,
  errorMessage: 'must be a UUID',
})

/** A UUID that a client may make: version 8 is for ids that are derived from commands. */
export const ClientMadeId = Type.String({
  format: 'uuid',
  pattern: `^${hex}{8}-${hex}{4}-[0-79a-fA-F]${hex}{3}-${hex}{4}-${hex}{12}$`,
  errorMessage: 'must be a UUID, and not of version 8, which is kept for derived ids',
})

/** Something that costs something, in minor units of the one currency. */
export const Amount = Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER })

/** What there is, in minor units of the one currency; maybe nothing. */
export const Balance = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })

/** An ISO 4217 code. */
export const Currency = Type.String({ pattern: '^[A-Z]{3}$' })

/** Counts the accepted changes of an order, from 1. */
export const Version = Type.Integer({ minimum: 1, maximum: 2 ** 31 - 1 })

/** An instant, as RFC 3339 writes it. */
export const Instant = Type.String({ format: 'date-time' })

/** What every list may be asked besides: how many items, and where to go on. */
export const pageParameters = {
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 100, default: 50 })),
  cursor: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 200,
      description: 'The `nextCursor` of the page before, in the same list with the same filters.',
    }),
  ),
}

/** A page of a list, newest first. `nextCursor` leads to the next one; on the last it is null. */
export function pageOf<Item extends TObject>(item: Item) {
  return Type.Object({
    items: Type.Array(item),
    nextCursor: Type.Union([Type.String(), Type.Null()]),
  })
}
