-- How far a group has read: everything below `position`. It only moves forward, and only for who
-- knows the generation, which an operator's reset raises.
create table positions (
  consumer_group text    not null collate "C",
  topic          text    not null collate "C",
  partition      integer not null check (partition >= 0),
  position       bigint  not null check (position >= 0),
  generation     bigint  not null check (generation >= 1),
  primary key (consumer_group, topic, partition)
);
