import { memoryDatabase } from '@semel/commands/memory'
import { transaction } from '@semel/postgres'
import { openTestDatabase } from '@semel/postgres/testing'
import {
  memoryDeadLetters,
  outboxAppend,
  postgresDeadLetters,
  topicMigrations,
} from '@semel/topics'
import { deadLettersConformance } from '@semel/topics/dead-letters-conformance'

deadLettersConformance('memory', async () => {
  const database = memoryDatabase()
  const letters = memoryDeadLetters(database)
  return {
    ...{ letters, rival: letters },
    standing: (...asked) => letters.standing(undefined, ...asked),
    take: (...asked) => letters.take(undefined, ...asked),
    told: async (topic) => database.messages.filter((message) => message.topic === topic),
    close: async () => {},
  }
})

deadLettersConformance('PostgreSQL', async () => {
  const { pool, anotherPool, close } = await openTestDatabase([topicMigrations])
  const append = outboxAppend()
  const rivalPool = anotherPool()
  const rival = postgresDeadLetters({ pool: rivalPool, append })
  return {
    ...{ letters: postgresDeadLetters({ pool, append }), rival },
    standing: (...asked) => transaction(rivalPool, (tx) => rival.standing(tx, ...asked)),
    take: (...asked) => transaction(rivalPool, (tx) => rival.take(tx, ...asked)),
    async told(topic) {
      const { rows } = await pool.query(
        'select id, scope, body::json from outbox where topic = $1 order by position',
        [topic],
      )
      return rows
    },
    close,
  }
})
