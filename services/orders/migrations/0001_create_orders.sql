create sequence order_numbers;

create table orders (
  id                   uuid        primary key,
  -- Rising, gaps allowed: a number is taken when an order is tried, not when it is kept.
  number               bigint      not null unique,
  user_id              uuid        not null,
  lines                jsonb       not null check (jsonb_typeof(lines) = 'array'),
  total                bigint      not null check (total > 0 and total <= 9007199254740991),
  currency             text        not null check (currency ~ '^[A-Z]{3}$'),
  status               text        not null
                       check (status in ('pending', 'paid', 'declined', 'cancelled')),
  -- Counts accepted changes by callers; what billing decides does not raise it.
  version              integer     not null check (version > 0),
  created_at           timestamptz not null,
  updated_at           timestamptz not null,
  -- What the order was created from: a repeat under another key is told from a clash by it.
  created_from         bytea       not null check (octet_length(created_from) = 32),
  created_from_version smallint    not null
);

create index orders_by_user on orders (user_id, number);
