-- The log that ingestion would keep.
select journal.create_log('ingestion', 'event');
select journal.create_consumer('ingestion');
