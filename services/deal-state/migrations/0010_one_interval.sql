-- Deals that are here already hold their intervals in an older form: each is folded anew by a sweep and said again.
set local role throughline_worker;
insert into deal_state.refold (part, group_id, rooftop, after_deal, every_deal)
select distinct part, group_id, rooftop, '00000000-0000-0000-0000-000000000000'::uuid, true from deal_state.deal
on conflict (part, group_id, rooftop) do update set after_deal = excluded.after_deal, every_deal = true;
reset role;
