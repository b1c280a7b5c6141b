select deal_id, opened_at as "ordered_by!", body from deal_state.deal
where group_id = $1
  and (opened_at, deal_id) > ($2, $3)
  and ($4::text[] is null or rooftop = any($4))
  and ($5::smallint[] is null or state = any($5))
  and ($6::boolean is null or open = $6)
  and ($7::timestamptz is null or opened_at >= $7) and ($8::timestamptz is null or opened_at < $8)
  and ($9::timestamptz is null or last_event_at >= $9) and ($10::timestamptz is null or last_event_at < $10)
  and rework between $11 and $12
  and ($13::uuid[] is null or deal_id = any($13))
order by opened_at asc, deal_id asc
limit $14
