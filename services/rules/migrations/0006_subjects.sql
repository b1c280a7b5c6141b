-- A rule judges a subject: a deal, by its ID, or the floor of a rooftop, which is named `floor`.
ALTER TABLE rules.flag RENAME COLUMN deal_id TO subject;
ALTER INDEX rules.flag_of_deal RENAME TO flag_of_subject;
ALTER TABLE rules.review RENAME COLUMN deal_id TO subject;
ALTER INDEX rules.review_of_deal RENAME TO review_of_subject;
ALTER TABLE rules.alarm RENAME COLUMN deal_id TO subject;

-- Floors that were judged. Their alarms are made of next_change and can be made anew.
CREATE TABLE rules.judged_floor (
    part smallint NOT NULL,
    group_id text NOT NULL,
    rooftop text NOT NULL,
    judged_at timestamptz NOT NULL,
    next_change timestamptz,
    PRIMARY KEY (part, group_id, rooftop)
);
CREATE INDEX judged_floor_alarmed ON rules.judged_floor (part) WHERE next_change IS NOT NULL;
SELECT platform.protect('rules.judged_floor');

-- Flags and reviews of an older form do not say what founded them: deal-state says every deal anew, and they are made anew.
TRUNCATE rules.flag, rules.review, rules.alarm, rules.deal;
