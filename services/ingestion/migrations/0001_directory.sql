-- Rooftops. Groups and keys were made by the platform, which checks them; this service writes all of them.

create table directory.rooftop (
  group_id   text        not null references directory.dealer_group,
  rooftop_id text        not null,
  -- Assigned at creation, for ever: positions of its entries live in this part of every log.
  part       smallint    not null check (part between 0 and 255),
  -- IANA name; what a date without a time is local to.
  zone       text        not null,
  -- An encoded throughline.tenant.v1.Rooftop: what was last said, as readers and followers get it.
  body       bytea       not null,
  -- Counts changes; the etag is made of it.
  revision   bigint      not null,
  created_at timestamptz not null,
  changed_at timestamptz not null,
  primary key (group_id, rooftop_id)
);
select platform.protect('directory.rooftop');

-- Every name that events may use for a rooftop, its id among them: one code means one rooftop of a group.
create table directory.rooftop_code (
  group_id   text not null,
  code       text not null,
  rooftop_id text not null,
  primary key (group_id, code),
  foreign key (group_id, rooftop_id) references directory.rooftop
);
create index on directory.rooftop_code (group_id, rooftop_id);
select platform.protect('directory.rooftop_code');

-- How many rooftops each part carries: a new one goes where there are fewest.
create table directory.part_load (
  part     smallint primary key check (part between 0 and 255),
  rooftops integer  not null default 0
);
insert into directory.part_load (part) select generate_series(0, 255);
select platform.internal('directory.part_load');
