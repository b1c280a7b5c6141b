-- Which sources report which step, and when each last did, exact to a day: one write a day for each.
create table deal_state.reported (
  part             smallint    not null,
  group_id         text        not null,
  rooftop          text        not null,
  source           text        not null collate "C",
  event_type       text        not null collate "C",
  last_reported_on date        not null,
  primary key (part, group_id, rooftop, source, event_type)
);
select platform.protect('deal_state.reported');

-- When followers of the deal log were last told of a source.
alter table deal_state.source add column told_at timestamptz;

-- A step that no source has reported for so many open days is no longer observed (the definition says how many).
alter table deal_state.observed
  add column last_reported_on date,
  -- By the calendars in force on that day.
  add column expires_at timestamptz,
  add column expired boolean not null default false;
create index observed_expiring on deal_state.observed (part, expires_at) where not expired;
