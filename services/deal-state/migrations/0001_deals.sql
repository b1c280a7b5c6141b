-- Keys to deals, what deals are folded from, and deals. Every key begins with the part of the rooftop.

-- What the directory last said of a rooftop, as it came through the event log.
create table deal_state.rooftop (
  part     smallint not null,
  group_id text     not null,
  rooftop  text     not null,
  body     bytea    not null,
  primary key (part, group_id, rooftop)
);
create unique index on deal_state.rooftop (group_id, rooftop);
select platform.protect('deal_state.rooftop');

-- Event types that some source of the rooftop has ever sent: a step that is not among them is not idle when it is missing.
create table deal_state.observed (
  part       smallint not null,
  group_id   text     not null,
  rooftop    text     not null,
  event_type text     not null,
  primary key (part, group_id, rooftop, event_type)
);
select platform.protect('deal_state.observed');

-- How fresh what a source says is.
create table deal_state.source (
  part             smallint    not null,
  group_id         text        not null,
  rooftop          text        not null,
  source           text        not null,
  last_recorded_at timestamptz not null,
  last_event_at    timestamptz not null,
  primary key (part, group_id, rooftop, source)
) with (fillfactor = 50);
select platform.protect('deal_state.source');

-- A key that links: to exactly one deal. `key` is the id that a deal with this key alone has, so an id that a deal once
-- had is the key of some row here, and resolving it is a look-up: there is no table of aliases to keep right.
create table deal_state.deal_key (
  part     smallint not null,
  key      uuid     not null,
  group_id text     not null,
  rooftop  text     not null,
  kind     text     not null,
  scope    text     not null,
  value    text     not null,
  deal_id  uuid     not null,
  primary key (part, key)
);
create index on deal_state.deal_key (part, deal_id);
create index on deal_state.deal_key (group_id, value);
select platform.protect('deal_state.deal_key');

-- A number that finds deals and never links them: one car may stand in two deals.
create table deal_state.deal_mark (
  part     smallint not null,
  deal_id  uuid     not null,
  kind     text     not null,
  value    text     not null,
  group_id text     not null,
  rooftop  text     not null,
  primary key (part, deal_id, kind, value)
);
create index on deal_state.deal_mark (group_id, value);
select platform.protect('deal_state.deal_mark');

-- Our own copy of the events, under the key by which each came. That never changes, so no event moves when deals merge.
create table deal_state.fold_input (
  part        smallint    not null,
  anchor      uuid        not null,
  event       uuid        not null,
  group_id    text        not null,
  rooftop     text        not null,
  recorded_at timestamptz not null,
  origin      smallint    not null,
  -- On whose behalf it was sent, if said.
  actor       text        not null,
  body        bytea       not null,
  primary key (part, anchor, event)
);
select platform.protect('deal_state.fold_input');

create table deal_state.deal (
  part          smallint    not null,
  deal_id       uuid        not null,
  group_id      text        not null,
  rooftop       text        not null,
  state         smallint    not null,
  -- Somebody works on it: neither lost, unwound nor funded.
  open          boolean     not null,
  -- Waits for a step that no source of the rooftop has ever reported: folds anew when one does.
  blind         boolean     not null,
  -- Both null: every event of it was withdrawn, and it is no deal now; the row keeps its revision.
  opened_at     timestamptz,
  last_event_at timestamptz,
  rework        integer     not null,
  event_count   integer     not null,
  state_hash    bytea       not null,
  body          bytea       not null,
  primary key (part, deal_id)
);
create index on deal_state.deal (group_id, last_event_at, deal_id);
create index on deal_state.deal (group_id, opened_at, deal_id);
create index on deal_state.deal (group_id, rooftop, last_event_at) where open;
create index on deal_state.deal (part, group_id, rooftop, deal_id) where blind;
select platform.protect('deal_state.deal');

-- A sweep under way: the deals of a rooftop fold anew, a few at a time, because a type became observed (those that are
-- blind) or the definition changed (all of them).
create table deal_state.refold (
  part       smallint not null,
  group_id   text     not null,
  rooftop    text     not null,
  after_deal uuid     not null,
  every_deal boolean  not null,
  primary key (part, group_id, rooftop)
);
select platform.protect('deal_state.refold');
