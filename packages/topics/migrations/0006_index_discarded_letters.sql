-- What the sweeper asks: which discarded letters are old. Nearly all letters are not in it.
create index dead_letters_discarded on dead_letters (discarded_at) where discarded_at is not null;
