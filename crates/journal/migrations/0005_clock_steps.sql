-- Clock steps: how often, and by how much, the clock of a log was found to have stepped back (docs/adr/0016).
create table journal.clock_step (
  -- `schema.log`
  log          text        not null,
  step         bigint      not null,
  -- The latest instant that was stored, and the clock when that was found to lie ahead of it.
  stepped_from timestamptz not null,
  stepped_to   timestamptz not null,
  -- By the database's own clock.
  found_at     timestamptz not null default now(),
  primary key (log, step)
);
select platform.internal('journal.clock_step');
