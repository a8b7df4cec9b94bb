-- The envelope of CloudEvents: who told it, when, and in which trace.
alter table outbox rename column key to partition_key;
alter table outbox rename column appended_at to time;
alter table outbox alter column time drop default;
alter table outbox add column source text not null default 'orders';
alter table outbox alter column source drop default;
alter table outbox add column traceparent text;
