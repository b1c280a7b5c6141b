select count(*) as "rooftops!" from directory.rooftop where group_id = $1
