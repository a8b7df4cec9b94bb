-- Every seat there is, and who has it. Seats are made here, by whoever runs the house: callers can
-- only book and release them, so no caller can fill this table.
create table seats (
  id      text primary key collate "C",
  show    text not null collate "C",
  user_id uuid
);

create index seats_by_show on seats (show, id);

insert into seats (id, show)
select format('hamlet-%s%s', row, number), 'hamlet'
  from unnest(array['a', 'b', 'c']) as row, generate_series(1, 8) as number;
