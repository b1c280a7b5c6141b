-- What stands on the lists that managers look at every day: rows follow from the deal and are replaced when it changes.
create table deal_state.worklist (
  part               smallint    not null,
  deal_id            uuid        not null,
  list               smallint    not null,
  -- The trade that it is about, by its key; empty where it is about the deal.
  instance           text        not null collate "C",
  group_id           text        not null,
  rooftop            text        not null,
  -- The latest that it may have begun, the earliest, and how well that is known.
  since              timestamptz not null,
  since_earliest     timestamptz not null,
  since_quality      smallint    not null,
  department         text        not null,
  -- No source of the rooftop has ever reported a step that would take it off the list.
  leaving_unobserved boolean     not null,
  primary key (part, deal_id, list, instance)
);
create index worklist_by_age on deal_state.worklist (group_id, list, since, deal_id, instance);
select platform.protect('deal_state.worklist');

-- Deals that are here already come onto their lists by a sweep.
set local role throughline_worker;
insert into deal_state.refold (part, group_id, rooftop, after_deal, every_deal)
select distinct part, group_id, rooftop, '00000000-0000-0000-0000-000000000000'::uuid, true from deal_state.deal
on conflict (part, group_id, rooftop) do update set after_deal = excluded.after_deal, every_deal = true;
reset role;
