-- additive
select 1 / 0;
