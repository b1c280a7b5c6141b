select body from directory.rooftop where group_id = $1 and rooftop_id = $2
