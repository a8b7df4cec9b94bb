/** The tables of (b): as wide, and with as many indexes, as what the handler needs. */
export const carelessSchema = `
  create table orders (
    id         uuid        primary key default gen_random_uuid(),
    number     bigint      generated always as identity unique,
    user_id    uuid        not null,
    lines      jsonb       not null,
    total      bigint      not null check (total > 0),
    status     text        not null default 'pending',
    version    integer     not null default 1,
    created_at timestamptz not null default now()
  );
  create index orders_by_user on orders (user_id, number);

  create table idempotency_keys (
    key        text        primary key,
    request    text        not null,
    status     smallint,
    answer     text,
    created_at timestamptz not null default now()
  );

  create table outbox (
    position   bigint      generated always as identity primary key,
    order_id   uuid        not null,
    key        text        not null,
    body       jsonb       not null,
    created_at timestamptz not null default now()
  )`

/** The five statements that (b) runs for every request, between `begin` and `commit`. */
export const carelessStatements = {
  findKey: 'select request, status, answer from idempotency_keys where key = $1',
  insertKey: 'insert into idempotency_keys (key, request) values ($1, $2)',
  insertOrder: 'insert into orders (user_id, lines, total) values ($1, $2, $3) returning *',
  insertMessage: 'insert into outbox (order_id, key, body) values ($1, $2, $3)',
  keepAnswer: 'update idempotency_keys set status = $2, answer = $3 where key = $1',
}

/** What a run left behind; see `check.ts`. */
export const carelessCount = `
  select (select count(*)::integer from orders) as orders,
         (select count(*)::integer from idempotency_keys where status = 201) as keys,
         (select count(*)::integer from outbox) as messages,
         (select coalesce(sum(total), 0)::float8 from orders) as "orderSum",
         (select coalesce(sum((body->>'amount')::bigint), 0)::float8 from outbox) as "messageSum",
         count(distinct (o.id, k.key, m.order_id))::integer as whole
    from orders o
    join outbox m on m.order_id = o.id and (m.body->>'amount')::bigint = o.total
    join idempotency_keys k on k.key = m.key and (k.answer::jsonb->>'id')::uuid = o.id`

/** Takes everything out between two runs. */
export const carelessClear = 'truncate orders, idempotency_keys, outbox'
