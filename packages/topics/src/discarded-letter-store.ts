import { type Pool, queryable } from '@semel/postgres'

/** Deletes letters that were discarded before a time, of all groups; the oldest first. */
export async function deleteDiscarded(
  pool: Pool,
  { discardedBefore, batchSizeMax }: Readonly<{ discardedBefore: Date; batchSizeMax: number }>,
): Promise<number> {
  const { rowCount } = await queryable(pool).query({
    name: 'delete-discarded',
    text: `with due as (
             select consumer_group, id from dead_letters
              where discarded_at < $1
              order by discarded_at
              limit $2
                for update skip locked)
           delete from dead_letters letter using due
            where letter.consumer_group = due.consumer_group and letter.id = due.id`,
    values: [discardedBefore, batchSizeMax],
  })
  return rowCount
}
