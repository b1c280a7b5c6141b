-- Says until when everything upstream is contained here. Only the present owner of a part says so, and it goes back only in
-- a later clock step.
insert into {schema}.watermark (consumer, part, step, until)
select c.consumer, c.part, said.step, said.until
from unnest($3::smallint[], $4::bigint[], $5::timestamptz[]) as said(part, step, until)
join {schema}.cursor c on c.consumer = $1 and c.part = said.part and c.owner = $2
-- Two of these never wait for each other in a ring.
order by c.part
on conflict (consumer, part) do update set step = excluded.step, until = excluded.until
where (watermark.step, watermark.until) < (excluded.step, excluded.until)
