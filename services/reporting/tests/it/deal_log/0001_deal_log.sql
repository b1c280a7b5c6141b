-- Stands for the service that owns the log.
SELECT journal.create_log('deal_state', 'deal');
