-- Whether a source has fallen silent: what is learnt of it, as JSON (throughline_process::Feed) of constant size, how often something
-- is to be expected, and from when on it is stale if nothing comes. As of the last news of it or of its rooftop. No index: updates
-- stay HOT.
alter table deal_state.source
  add column state       text not null default '{}',
  add column expected_ms bigint,
  add column stale_at    timestamptz;
