-- A rooftop tells of all its calendars itself now, so that one taken back is gone here too.
ALTER TABLE rules.rooftop DROP COLUMN calendars;
