-- Since when a type is observed, so that a deal can be shown as it was known at an instant.
alter table deal_state.observed add column recorded_at timestamptz;
