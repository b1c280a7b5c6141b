-- Takes codes away that are no longer wanted.
delete from directory.rooftop_code where group_id = $1 and rooftop_id = $2 and code <> all($3::text[])
