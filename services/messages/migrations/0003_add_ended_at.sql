-- When the registry heard how a request ended: it is kept for a while from then on, however late that
-- was.
alter table messages add column ended_at timestamptz;
update messages set ended_at = registered_at where state not in ('pending', 'parked');
alter table messages add check ((state in ('pending', 'parked')) = (ended_at is null));

-- What the sweeper asks: which ends are old. The column rises with the rows, so inserts touch the
-- last page only.
create index messages_by_ended_at on messages (ended_at) where ended_at is not null;
