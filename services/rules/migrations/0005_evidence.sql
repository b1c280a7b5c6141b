-- Sources of a rooftop as intervals are judged by them; small, and as many as a rooftop has sources.
CREATE TABLE rules.feed (
    part smallint NOT NULL,
    group_id text NOT NULL,
    rooftop text NOT NULL,
    source text NOT NULL,
    -- throughline_process::Heard as JSON.
    heard text NOT NULL,
    PRIMARY KEY (part, group_id, rooftop, source)
);
SELECT platform.protect('rules.feed');

-- Deals that wait for a source to be heard from before a crossing counts.
ALTER TABLE rules.deal ADD COLUMN unconfirmed boolean NOT NULL DEFAULT false;
CREATE INDEX deal_unconfirmed ON rules.deal (part, group_id, rooftop) WHERE unconfirmed;
