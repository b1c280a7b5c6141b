-- The floor of a rooftop: what is kept of its staff and store events. Its deals are rows of rules.deal.
CREATE TABLE rules.floor (
    part smallint NOT NULL,
    group_id text NOT NULL,
    rooftop text NOT NULL,
    -- The last reports of each person and of the store, as src/wire/staff.rs encodes them.
    body bytea NOT NULL,
    PRIMARY KEY (part, group_id, rooftop)
);
SELECT platform.protect('rules.floor');

-- True: some department has the deal or is offered it, so it is kept although time alone may change nothing. Deals that were
-- kept before have it once they are judged again.
ALTER TABLE rules.deal ADD COLUMN on_floor boolean NOT NULL DEFAULT false;
-- Finds the deals of a floor. Of a boolean, so that most updates of a deal leave the index alone.
CREATE INDEX deal_on_floor ON rules.deal (part, group_id, rooftop) WHERE on_floor;
