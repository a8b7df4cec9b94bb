/**
 * Takes out what a run left. Accounts stay, and are empty; positions and heads stay, for the
 * consumers know them. Entries and decisions are final, which a trigger sees to: not here.
 */
export const sagaClear = `
  begin;
  set local session_replication_role = replica;
  truncate orders, commands, outbox, charges, decisions, entries, notifications, late_mails,
           messages, dead_letters;
  update accounts set balance = 0, held = 0, entry_count = 0;
  commit;
  vacuum accounts`

/** Messages that some group has not read. */
export const sagaLag = `
  select coalesce(sum(greatest(0, next - position)), 0)::integer as lag
    from positions join heads using (topic, partition)`

/** What a run left behind; see `saga-check.ts`. */
export const sagaCount = `
  select (select count(*)::integer from orders) as orders,
         (select count(*)::integer from commands
           where operation = 'place-order' and status = 201) as keys,
         (select count(*)::integer from orders where status in ('paid', 'declined')) as settled,
         (select count(*)::integer from notifications) as notifications,
         (select count(*)::integer
            from orders o
            join notifications n on n.order_id = o.id and n.order_version = o.version
             and n.user_id = o.user_id
             and n.kind = case o.status when 'paid' then 'happiness' else 'grief' end
            join charges c on c.order_id = o.id and c.version = o.version
             and c.user_id = o.user_id and c.amount = o.total and c.outcome = o.status) as whole,
         (select coalesce(sum(total), 0)::float8 from orders where status = 'paid') as "paidSum",
         (select coalesce(sum(held), 0)::float8 from accounts) as "heldSum",
         (select coalesce(sum(balance), 0)::float8 from accounts) as "balanceSum",
         (select count(*)::integer from messages
           where operation = 'place-order' and state = 'answered'
             and response_status = 201) as registered,
         (select count(*)::integer from dead_letters) as letters`

/**
 * How long a run took, in seconds: until the last notification was committed, and until the last
 * entry of the registry was, from the arrival of the first request.
 */
export const sagaTook = `
  select extract(epoch from (select max(pg_xact_commit_timestamp(xmin)) from notifications)
                            - min(created_at))::float8 as "settledSeconds",
         extract(epoch from (select max(pg_xact_commit_timestamp(xmin)) from messages)
                            - min(created_at))::float8 as "registeredSeconds"
    from orders`

/**
 * Milliseconds to the commit that made an order's notification visible: from when the request was
 * due, where it was sent at a rate of $2 a second from $1 on (milliseconds since 1970); else, with
 * nulls, from its arrival at the server.
 */
export const sagaLatency = `
  select percentile_cont(0.5) within group (order by ms) as "p50Ms",
         percentile_cont(0.99) within group (order by ms) as "p99Ms"
    from (select extract(epoch from pg_xact_commit_timestamp(n.xmin))::float8 * 1000
                 - coalesce($1::float8 + (substring(c.key from '[0-9]+$')::integer - 1) * 1000.0
                            / $2::float8,
                            extract(epoch from o.created_at)::float8 * 1000) as ms
            from notifications n
            join orders o on o.id = n.order_id
            join commands c on c.id = o.id) as saga`

/** What PostgreSQL has done so far. */
export const postgresCounters = `
  select (select xact_commit::integer from pg_stat_database
           where datname = current_database()) as transactions,
         (pg_current_wal_insert_lsn() - '0/0')::float8 as "walBytes"`
