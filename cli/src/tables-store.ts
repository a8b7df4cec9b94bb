import { type Queryable, textArray } from '@semel/postgres'

/** The tables of each service. Those of commands and topics are in every database. */
export const tablesOf = {
  orders: ['orders'],
  billing: ['accounts', 'charges', 'decisions', 'entries'],
  notifications: ['notification_numbers', 'notifications', 'mail_position', 'late_mails'],
  messages: ['messages'],
} as const

/** A service that has data. */
export type ServiceName = keyof typeof tablesOf

/** Every service that has data, in the order in which they are shown. */
export const serviceNames = Object.keys(tablesOf) as readonly ServiceName[]

/**
 * The services that have a table in a database: with Kafka each may have a database of its own. Who
 * has some of its tables there, and not all, counts: that is a fault, which statements run into.
 */
export async function findServices(db: Queryable): Promise<ReadonlySet<ServiceName>> {
  const named = serviceNames.flatMap((service) => tablesOf[service].map((name) => [service, name]))
  const { rows } = await db.query<{ service: ServiceName }>({
    text: `select distinct service from unnest($1::text[], $2::text[]) as known (service, name)
            where to_regclass(name) is not null`,
    values: [0, 1].map((column) => textArray(named.map((row) => row[column]!))),
  })
  return new Set(rows.map(({ service }) => service))
}
