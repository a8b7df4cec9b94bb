/** The tables of (c): the least that an idempotent create needs. */
export const pgbenchSchema = `
  create table idempotency_keys (id uuid primary key, fingerprint bytea not null);
  create table orders (
    id         uuid        primary key,
    user_id    uuid        not null,
    lines      jsonb       not null,
    total      bigint      not null check (total > 0),
    created_at timestamptz not null default now()
  )`

/** What a run left behind. */
export const pgbenchCount = `
  select (select count(*)::integer from orders) as orders,
         (select count(*)::integer from idempotency_keys) as keys,
         count(*)::integer as whole
    from orders join idempotency_keys using (id)`

/** Takes everything out between two runs. */
export const pgbenchClear = 'truncate orders, idempotency_keys'

/** An idempotent create in one statement: the database's own ceiling for one at a time. */
export const pgbenchScript = `
\\set number random(1, 1000000)
with key as (
  insert into idempotency_keys (id, fingerprint)
  values (gen_random_uuid(), decode(repeat('ab', 32), 'hex'))
  on conflict do nothing returning id
)
insert into orders (id, user_id, lines, total)
select id, '00000000-0000-4000-a000-000000000001',
       '[{"sku":"tea-1","quantity":2,"unitPrice":1250},'
       '{"sku":"cup-1","quantity":1,"unitPrice":900}]',
       :number
  from key;
`
