-- Deals that a sweep could not fold.
select journal.create_parked_timers('deal_state');
