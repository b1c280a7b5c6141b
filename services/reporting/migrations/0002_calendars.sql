-- When rooftops and their departments are open. What was told of a rooftop before this did not say it: such a rooftop counts
-- as always open until it is told of again.
ALTER TABLE reporting.rooftop ADD COLUMN calendars bytea NOT NULL DEFAULT '';
COMMENT ON COLUMN reporting.rooftop.calendars IS 'Encoded throughline.tenant.v1.Rooftop: only its zone and its calendars';
