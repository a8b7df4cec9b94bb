import { Admin, Base } from '@platformatic/kafka'
import { clientOptions, countsOf, type KafkaConnection } from './kafka-connection.ts'
import { failureOf } from './kafka-failures.ts'

/**
 * Does something with a client that asks what operators ask.
 *
 * @throws what `failureOf` makes, or what the work throws.
 */
export async function withAdmin<T>(
  options: KafkaConnection,
  work: (admin: Admin) => Promise<T>,
): Promise<T> {
  const scout = new Base({ ...clientOptions(options), retries: 0 })
  const admin = new Admin({ ...clientOptions(options), retries: 1, retryDelay: 250 })
  try {
    // Says what is wrong with the connection, if anything is.
    await countsOf(scout, new Set())
    return await work(admin)
  } catch (error) {
    throw failureOf(error)
  } finally {
    await Promise.all([scout.close(), admin.close()])
  }
}
