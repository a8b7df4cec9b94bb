-- Set by the very transaction that decides a letter which is redriven: from then on until the redrive
-- is settled it cannot be discarded, so that no letter is ever both.
alter table dead_letters add column taken boolean not null default false;
