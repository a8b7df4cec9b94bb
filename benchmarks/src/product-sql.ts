/**
 * What a run left behind; see `check.ts`. The order of a create without a client-made id bears the
 * command's id. `$1` is when the run began: a command log that was filled before holds no answer
 * that is replayable for so long.
 */
export const productCount = `
  with decided as (
    select id, (body::jsonb->>'total')::bigint as total from commands
     where status = 201 and replayable_until >= $1::timestamptz + interval '24 hours'
  )
  select (select count(*)::integer from orders) as orders,
         (select count(*)::integer from decided) as keys,
         (select count(*)::integer from outbox) as messages,
         (select coalesce(sum(total), 0)::float8 from orders) as "orderSum",
         (select coalesce(sum((body::jsonb->>'amount')::bigint), 0)::float8 from outbox)
           as "messageSum",
         count(distinct o.id)::integer as whole
    from orders o
    join decided d on d.id = o.id and d.total = o.total
    join outbox m on m.command_id = o.id and (m.body::jsonb->>'amount')::bigint = o.total`

/** Takes everything out between two runs. */
export const productClear = 'truncate orders, commands, outbox, heads'

/** The same where the command log is there to stay. */
export const productClearButLog = 'truncate orders, outbox, heads'

/** Rows from `$1` to `$2` of `$3`, as creates of the last 23 hours left them. */
export const fillLog = `
  insert into commands (id, scope, operation, key, fingerprint, fingerprint_version, status,
                        headers, body, decided_at, replayable_until)
  select id, 'local/operator', 'place-order', 'h:earlier-' || n, sha256(uuid_send(id)), 1, 201,
         jsonb_build_object('content-type', 'application/json; charset=utf-8',
                            'location', '/orders/' || id, 'etag', '"1-pending"'),
         '{"id":"' || id || '","number":' || n || ','
           '"userId":"00000000-0000-4000-a000-000000000001",'
           '"lines":[{"sku":"tea-1","quantity":2,"unitPrice":1250},'
           '{"sku":"cup-1","quantity":1,"unitPrice":900}],"total":3400,"currency":"EUR",'
           '"status":"pending","version":1,"createdAt":"2026-01-01T00:00:00.000Z",'
           '"updatedAt":"2026-01-01T00:00:00.000Z"}',
         decided_at, decided_at + interval '24 hours'
    from (select n, gen_random_uuid() as id,
                 now() - interval '23 hours' + interval '22 hours' * n / $3::integer as decided_at
            from generate_series($1::integer, $2::integer) as n
          offset 0) as earlier`
