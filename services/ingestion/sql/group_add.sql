-- A group, unless there is one of that id.
insert into directory.dealer_group (group_id, display_name, created_at)
values ($1, $2, $3)
on conflict do nothing
