-- Addresses to which sources post, each for one rooftop or for the group.
create table ingestion.hook (
  group_id     text        not null,
  hook_id      text        not null,
  display_name text        not null,
  -- Empty: of the group.
  rooftop      text        not null,
  profile      text        not null,
  -- A profile of the group's own; empty for those that come with the service.
  profile_yaml text        not null,
  -- The sources that its events may have: one, or a prefix that ends in *.
  source       text        not null,
  created_at   timestamptz not null,
  rotated_at   timestamptz,
  former_until timestamptz,
  primary key (group_id, hook_id)
);
-- Who posts says no group.
create unique index on ingestion.hook (hook_id);
-- Pages, by creation.
create index on ingestion.hook (group_id, created_at, hook_id);
select platform.protect('ingestion.hook');

-- What bodies are signed with. No call from outside reads it: the answer that shows it once comes from our own work.
create table ingestion.hook_secret (
  group_id text  not null,
  hook_id  text  not null,
  secret   bytea not null check (length(secret) between 24 and 64),
  former   bytea check (length(former) between 24 and 64),
  primary key (group_id, hook_id),
  foreign key (group_id, hook_id) references ingestion.hook on delete cascade
);
select platform.internal('ingestion.hook_secret');

-- What was answered to a webhook-id, until its signature is too old to come again. Neither the id nor the body stands here:
-- fingerprints under the secret say nothing to anybody else.
create table ingestion.hook_delivery (
  group_id   text        not null,
  hook_id    text        not null,
  id         uuid        not null,
  body       uuid        not null,
  -- Counts, as they were answered.
  answer     text        not null check (octet_length(answer) < 16384),
  expires_at timestamptz not null,
  primary key (group_id, hook_id, id),
  foreign key (group_id, hook_id) references ingestion.hook on delete cascade
);
create index on ingestion.hook_delivery (expires_at);
select platform.protect('ingestion.hook_delivery');
