/** The services that keep something, each in tables of its own. */
export const keepers = ['orders', 'billing', 'notifications', 'messages'] as const

export type Keeper = (typeof keepers)[number]

const tables: Readonly<Record<Keeper, readonly string[]>> = {
  orders: ['orders'],
  billing: ['charges', 'decisions', 'entries'],
  notifications: ['notifications', 'late_mails'],
  messages: ['messages'],
}

/**
 * Takes out of a database what a run left to the services in it. Accounts stay, and are empty;
 * positions and heads stay, for the consumers know them. Entries and decisions are final, which a
 * trigger sees to: not here.
 */
export function sagaClear(inIt: readonly Keeper[]): readonly string[] {
  const cleared = ['commands', 'outbox', 'dead_letters', ...inIt.flatMap((one) => tables[one])]
  const hasAccounts = inIt.includes('billing')
  return [
    'begin',
    'set local session_replication_role = replica',
    `truncate ${cleared.join(', ')}`,
    ...(hasAccounts ? ['update accounts set balance = 0, held = 0, entry_count = 0'] : []),
    'commit',
    ...(hasAccounts ? ['vacuum accounts'] : []),
  ]
}

/** What of a database is under way: messages that a group has not read, here asked of clients. */
export const sagaRest = `
  select (select coalesce(sum(greatest(0, next - position)), 0)::integer
            from positions join heads using (topic, partition)) as unread,
         (select count(*)::integer from commands where scope not like '@%') as asked,
         (select count(*)::integer from dead_letters) as letters`

/** How far each service has come. */
export const sagaProgress = {
  orders: `
    select count(*) filter (where status = 'pending')::integer as pending,
           count(*) filter (where status <> 'pending')::integer as settled
      from orders`,
  notifications: 'select count(*)::integer as told from notifications',
  messages: `select count(*)::integer as registered from messages where state = 'answered'`,
} as const

/** Every order that a run left, with the number of the request that placed it. */
export const ordersLeft = `
  select o.id, o.version, o.user_id as "userId", o.status, o.total::float8,
         extract(epoch from o.created_at)::float8 * 1000 as "createdMs",
         substring(c.key from '[0-9]+$')::integer as number
    from orders o
    left join commands c on c.id = o.id`

/** Creates in the command log. */
export const keysLeft = `
  select count(*)::integer as keys from commands where operation = 'place-order' and status = 201`

/** Every charge that a run left. */
export const chargesLeft = `
  select order_id as "orderId", version, user_id as "userId", amount::float8, outcome from charges`

/** What accounts hold for orders, and what they have left. */
export const accountsLeft = `
  select coalesce(sum(held), 0)::float8 as "heldSum",
         coalesce(sum(balance), 0)::float8 as "balanceSum" from accounts`

/** Every notification, with when it was committed. */
export const notificationsLeft = `
  select order_id as "orderId", order_version as version, user_id as "userId", kind,
         extract(epoch from pg_xact_commit_timestamp(xmin))::float8 * 1000 as "toldMs"
    from notifications`

/** What the registry knows of creates, and when its last entry was committed. */
export const registryLeft = `
  select count(*) filter (where operation = 'place-order' and state = 'answered'
                            and response_status = 201)::integer as registered,
         extract(epoch from max(pg_xact_commit_timestamp(xmin)))::float8 * 1000 as "registeredMs"
    from messages`

/** What a database has committed so far, and what the whole server has logged. */
export const postgresCounters = `
  select (select xact_commit::integer from pg_stat_database
           where datname = current_database()) as transactions,
         (pg_current_wal_insert_lsn() - '0/0')::float8 as "walBytes"`
