-- The deal log, and the cursors of what this service follows.
select journal.create_log('deal_state', 'deal');
select journal.create_consumer('deal_state');
