-- The number of the next notification. Its row lock is held until the commit: numbers become
-- visible in their order, so nothing ever appears behind what a list has shown. A sequence would
-- let a slow transaction commit a lower number late.
create table notification_numbers (
  one  boolean primary key default true check (one),
  next bigint  not null
);
insert into notification_numbers (next) values (1);

-- One for each version of an order that was paid or declined, for ever: the primary key guards it
-- when the command log has forgotten.
create table notifications (
  order_id      uuid        not null,
  order_version integer     not null check (order_version > 0),
  -- The id of the command that stored it.
  id            uuid        not null,
  number        bigint      not null unique,
  user_id       uuid        not null,
  kind          text        not null check (kind in ('happiness', 'grief')),
  -- As it was told: later releases may put it otherwise, this stays.
  text          text        not null,
  created_at    timestamptz not null,
  primary key (order_id, order_version)
);

create index notifications_by_user on notifications (user_id, number);
