-- Also of users who never opened one: the first charge of a user makes the row (opened_at null), so
-- that whoever decides about a user has a row to lock, and two that make it meet at the key.
create table accounts (
  user_id     uuid        primary key,
  name        text,
  currency    text        check (currency ~ '^[A-Z]{3}$'),
  -- The sum of the account's entries.
  balance     bigint      not null check (balance >= 0),
  -- What its paid orders hold. It may return, so both together stay countable.
  held        bigint      not null check (held >= 0),
  entry_count bigint      not null check (entry_count >= 0),
  opened_at   timestamptz,
  updated_at  timestamptz,
  constraint accounts_countable check (balance + held <= 9007199254740991),
  constraint accounts_whole check (num_nulls(name, currency, opened_at, updated_at) in (0, 4)),
  constraint accounts_unopened check
    (opened_at is not null or (balance = 0 and held = 0 and entry_count = 0))
);

-- What an order costs its user by the highest version that has come. An order has one user.
create table charges (
  order_id uuid    primary key,
  user_id  uuid    not null,
  version  integer not null check (version > 0),
  amount   bigint  not null check (amount >= 0 and amount <= 9007199254740991),
  held     bigint  not null,
  outcome  text    not null check (outcome in ('paid', 'declined', 'released')),
  constraint charges_held check (held = case outcome when 'paid' then amount else 0 end),
  constraint charges_released check ((outcome = 'released') = (amount = 0))
);

-- What was decided about each version of an order, once: what whoever asks again is told.
create table decisions (
  order_id uuid    not null,
  version  integer not null check (version > 0),
  user_id  uuid    not null,
  amount   bigint  not null check (amount >= 0 and amount <= 9007199254740991),
  currency text    not null check (currency ~ '^[A-Z]{3}$'),
  outcome  text    not null check (outcome in ('paid', 'declined', 'released')),
  reason   text    check (reason in ('balance-too-low', 'no-account')),
  primary key (order_id, version),
  constraint decisions_released check ((outcome = 'released') = (amount = 0)),
  constraint decisions_reason check ((outcome = 'declined') = (reason is not null))
);

-- Append-only. The id is that of the command that posted it.
create table entries (
  id            uuid        primary key,
  user_id       uuid        not null references accounts,
  -- Two that post from the same balance want the same number: one of them fails.
  number        bigint      not null check (number > 0),
  kind          text        not null,
  amount        bigint      not null,
  order_id      uuid,
  order_version integer,
  balance_after bigint      not null check (balance_after >= 0),
  created_at    timestamptz not null,
  unique (user_id, number),
  constraint entries_sign check
    (kind = 'charge' and amount < 0 or kind in ('deposit', 'refund') and amount > 0),
  constraint entries_order check
    (num_nulls(order_id, order_version) = case kind when 'deposit' then 2 else 0 end)
);

-- One decision moves money at most once, be it a charge or a refund.
create unique index entries_by_order on entries (order_id, order_version)
  where order_id is not null;

create function refuse_change() returns trigger language plpgsql as $$
begin
  raise exception 'rows of % are never changed or deleted', tg_table_name
    using errcode = 'restrict_violation';
end
$$;

create trigger entries_are_final before update or delete or truncate on entries
  for each statement execute function refuse_change();
create trigger decisions_are_final before update or delete or truncate on decisions
  for each statement execute function refuse_change();
