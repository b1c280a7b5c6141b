-- What a person decided about two numbers stands as a key of kind `decision` beside each of them, so that whatever looks at
-- one finds the other.
drop index if exists deal_state.deal_key_part_rooftop_value_idx;
create index deal_key_beside on deal_state.deal_key (part, rooftop, value) where kind in ('sale', 'decision');
