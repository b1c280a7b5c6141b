-- A rooftop, held until it is changed.
select body, revision from directory.rooftop where group_id = $1 and rooftop_id = $2 for update
