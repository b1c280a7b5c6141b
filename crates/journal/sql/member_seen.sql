-- Says that this owner lives, and until when it may be counted.
insert into {schema}.member (consumer, owner, seen_until)
values ($1, $2, now() + $3 * interval '1 millisecond')
on conflict (consumer, owner) do update set seen_until = excluded.seen_until
