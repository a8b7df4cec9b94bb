-- Messages that no group member could make into a decided command, and what waits behind them under
-- their partition key. A letter is deleted when it has been decided after all; one that was
-- discarded stays, so that its message is not taken up again when a topic is read from its start.
create table dead_letters (
  consumer_group text        not null collate "C",
  id             uuid        not null,
  topic          text        not null collate "C",
  partition      integer     not null,
  position       bigint      not null,
  partition_key  text        not null collate "C",
  reason         text        not null collate "C" check (reason in (
                   'not-json', 'envelope-invalid', 'too-large', 'type-unknown',
                   'contract-violated', 'failed', 'behind-parked')),
  detail         text        not null,
  parked_at      timestamptz not null,
  -- Set: its group is to try the letters of this key again.
  redrive_at     timestamptz,
  discarded_at   timestamptz,
  discarded_by   text,
  discarded_for  text,
  -- The message as it came: nothing of it has been judged. bytea: a body that is no JSON may hold
  -- what text cannot, and is to be found as it was.
  message_id     text,
  type           text,
  source         text,
  time           text,
  scope          text,
  command_id     text,
  traceparent    text,
  body           bytea       not null,
  primary key (consumer_group, id),
  check ((discarded_at is null) = (discarded_by is null)),
  check ((discarded_at is null) = (discarded_for is null))
);

-- What stands in the way of a key, and in which order it is tried again.
create index dead_letters_by_key on dead_letters
  (consumer_group, topic, partition_key, partition, position) where discarded_at is null;

-- What is to be tried again: nearly always nothing.
create index dead_letters_to_redrive on dead_letters (consumer_group, redrive_at)
  where redrive_at is not null;

-- What an operator looks at, newest first.
create index dead_letters_by_time on dead_letters (parked_at, id);
