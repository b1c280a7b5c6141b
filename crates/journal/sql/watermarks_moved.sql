-- Says until when everything upstream is contained here. Only the present owner of a part says so, and it never goes back.
insert into {schema}.watermark (consumer, part, until)
select c.consumer, c.part, said.until
from unnest($3::smallint[], $4::timestamptz[]) as said(part, until)
join {schema}.cursor c on c.consumer = $1 and c.part = said.part and c.owner = $2
on conflict (consumer, part) do update set until = excluded.until
where watermark.until < excluded.until
