-- Every decided command, once. The primary key is the only judge of "already done".
create table commands (
  id                  uuid        primary key,
  scope               text        not null collate "C",
  operation           text        not null collate "C",
  key                 text        not null collate "C",
  fingerprint         bytea       not null check (octet_length(fingerprint) = 32),
  fingerprint_version smallint    not null,
  -- The answer. Null in a tombstone: decided, but no longer replayable.
  status              smallint,
  headers             jsonb,
  body                text,
  decided_at          timestamptz not null,
  replayable_until    timestamptz not null,
  check ((status is null) = (body is null) and (status is null) = (headers is null))
);

-- The sweeper's two questions: which answers are spent, which tombstones are old. Both columns rise
-- with the rows, so inserts touch the last page only.
create index commands_by_replayable_until on commands (replayable_until) where status is not null;
create index tombstones_by_decided_at on commands (decided_at) where status is null;
