-- A row for every seat that anybody has asked for; which seats there are, the contract says.
create table seats (
  id      text primary key collate "C",
  user_id uuid
);
