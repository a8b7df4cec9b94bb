-- One row per topic and partition; `next` is the position that the next message gets. The row lock
-- taken to raise it is held until the commit: positions become visible in their order, without gaps.
create table heads (
  topic     text    not null collate "C",
  partition integer not null check (partition >= 0),
  next      bigint  not null check (next >= 0),
  primary key (topic, partition)
);

-- What was told, in the transaction that did it.
create table outbox (
  topic       text        not null collate "C",
  partition   integer     not null,
  position    bigint      not null,
  id          uuid        not null,
  key         text        not null,
  type        text        not null,
  scope       text        not null,
  command_id  uuid        not null,
  body        text        not null,
  appended_at timestamptz not null default now(),
  primary key (topic, partition, position)
);
