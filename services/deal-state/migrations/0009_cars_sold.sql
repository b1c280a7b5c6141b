-- Which cars the deals that stand past agreement sell: one that is in two of them is for people to look at.
create table deal_state.car_sold (
  part     smallint not null,
  deal_id  uuid     not null,
  -- 'vin' or 'stock'.
  kind     text     not null collate "C",
  value    text     not null collate "C",
  group_id text     not null,
  rooftop  text     not null,
  primary key (part, deal_id, kind, value)
);
create index car_sold_by_car on deal_state.car_sold (part, rooftop, value, kind, group_id, deal_id);
select platform.protect('deal_state.car_sold');

-- Deals that are here already are looked at by a sweep.
set local role throughline_worker;
insert into deal_state.refold (part, group_id, rooftop, after_deal, every_deal)
select distinct part, group_id, rooftop, '00000000-0000-0000-0000-000000000000'::uuid, true from deal_state.deal
on conflict (part, group_id, rooftop) do update set after_deal = excluded.after_deal, every_deal = true;
reset role;
