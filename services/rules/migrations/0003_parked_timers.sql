-- Deals whose alarms could not be judged.
SELECT journal.create_parked_timers('rules');
