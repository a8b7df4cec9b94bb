-- What became of every request of a client. A projection: it is filled from topics, and decides
-- nothing about any command.
create table messages (
  guid             uuid        primary key,
  -- Lists are sorted by it.
  number           bigint      not null generated always as identity,
  scope            text        not null collate "C" check (octet_length(scope) <= 1024),
  operation        text        not null collate "C" check (octet_length(operation) <= 100),
  -- With its prefix, as commands know it; null where a dead letter could not be read.
  key              text        collate "C" check (octet_length(key) <= 512),
  -- JSON, with its members in the order in which they were sent.
  request          text,
  state            text        not null check (state in ('pending', 'answered', 'parked')),
  response_status  integer,
  response_headers jsonb,
  -- The answer's own text; null where it was longer than is kept.
  response_body    text,
  -- When it was first heard of: what a retention will go by.
  registered_at    timestamptz not null,
  check ((state = 'answered') = (response_status is not null)),
  check ((state = 'answered') = (response_headers is not null))
);

create index messages_by_key on messages (scope, operation, key, number);
