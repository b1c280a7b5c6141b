-- What people decided about which numbers are of one deal, for them to look up and take back. What counts is the event.
create table ingestion.decision (
  group_id     text        not null,
  rooftop      text        not null,
  id           uuid        not null,
  -- An encoded throughline.ingestion.v1.IdentityDecision.
  body         bytea       not null,
  created_at   timestamptz not null,
  withdrawn_at timestamptz,
  primary key (group_id, rooftop, id)
);
create index on ingestion.decision (group_id, rooftop, created_at, id);
select platform.protect('ingestion.decision');
