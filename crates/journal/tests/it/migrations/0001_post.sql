-- Three services in miniature: `post` keeps the log "event"; `sorting` follows it and keeps the log "deal"; `reading` follows that.
select journal.create_log('post', 'event');

create schema sorting;
select journal.create_log('sorting', 'deal');
select journal.create_consumer('sorting');
select journal.create_parked_timers('sorting');

create schema reading;
select journal.create_consumer('reading');
select journal.create_parked_timers('reading');

create table reading.effect (
  at       bigserial primary key,
  consumer text     not null,
  part     smallint not null,
  pos      bigint   not null,
  entity   text     not null
);
select platform.internal('reading.effect');
grant usage on sequence reading.effect_at_seq to throughline_worker;

create table reading.alarm (
  part     smallint    not null,
  group_id text        not null,
  rooftop  text        not null,
  entity   text        not null,
  due      timestamptz not null,
  fired    timestamptz
);
select platform.internal('reading.alarm');
