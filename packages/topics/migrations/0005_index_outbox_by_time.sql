-- A message is told at the very moment at which its command was decided: who knows the one finds the
-- other. Rows come nearly in the order of time, so a summary of every few pages is enough; it costs
-- an insert next to nothing, which an index by command would not.
create index outbox_by_time on outbox using brin (time)
  with (pages_per_range = 8, autosummarize = on);
