-- Entities whose timers are parked: what time brings to them (an alarm, a step of a sweep) failed three times. No entry of
-- a log stands behind such a failure, so these rows have no position and stand apart from parked entries. Each service calls
-- this once for its schema, in a migration of its own.

create function journal.create_parked_timers(in_schema text) returns void
language plpgsql set search_path = pg_catalog as $$
begin
  execute format(
    'create table %I.parked_timer (
       consumer  text        not null,
       part      smallint    not null check (part between 0 and 255),
       group_id  text        not null,
       rooftop   text        not null,
       entity    text        not null,
       error     text        not null,
       tries     integer     not null,
       parked_at timestamptz not null,
       retry_at  timestamptz,
       primary key (consumer, part, group_id, rooftop, entity)
     )', in_schema);
  perform platform.protect(format('%I.parked_timer', in_schema)::regclass);
end $$;
