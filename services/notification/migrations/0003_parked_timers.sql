-- The follower's own: this service sets no alarms.
SELECT journal.create_parked_timers('notification');
