-- What executors believe an answer by, who look it up here; null where it was told without. The
-- registry itself does not understand it.
alter table messages add column seal text collate "C" check (octet_length(seal) <= 128);
