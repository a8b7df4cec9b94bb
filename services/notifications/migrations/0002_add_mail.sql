-- How far mail has come: all notifications below `next` have been seen to. No row before mail was
-- set up for the first time, so that nobody is sent what is old by then.
create table mail_position (
  one  boolean primary key default true check (one),
  next bigint  not null
);

-- Mails that a server would not take for now, each on its own account: they hold up no others.
create table late_mails (
  number bigint      primary key references notifications (number),
  tries  integer     not null,
  due_at timestamptz not null
);

create index late_mails_by_due on late_mails (due_at);
