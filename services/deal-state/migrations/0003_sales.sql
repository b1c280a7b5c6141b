-- Deals that tell of the same sale are one deal while that leaves no doubt, and come apart when it no longer does. So each
-- key says as well of which core it is: what hangs together without sales. Sales are keys of kind `sale`, each scoped to
-- the key under which its event is kept. Rows of older versions have no core: then the deal is the core.
alter table deal_state.deal_key add column core uuid;
create index on deal_state.deal_key (part, rooftop, value) where kind = 'sale';
