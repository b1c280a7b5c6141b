-- A flag is decided on once the flag log is complete past the entry that last changed it: until then it is marked.
ALTER TABLE notification.flag
    ADD COLUMN rooftop text NOT NULL DEFAULT '',
    -- When the last event of its deal that came in as history was recorded.
    ADD COLUMN history_recorded_at timestamptz,
    -- When the entry that last changed it was recorded, until it is decided on.
    ADD COLUMN undecided_at timestamptz,
    -- Encoded throughline.rule.v1.Flag, and the trace of that entry: what deciding needs, and only until then.
    ADD COLUMN content bytea,
    ADD COLUMN traceparent text,
    ADD COLUMN tracestate text,
    ADD CONSTRAINT flag_undecided CHECK (
        (undecided_at IS NULL) = (content IS NULL)
        AND (undecided_at IS NULL) = (traceparent IS NULL)
        AND (undecided_at IS NULL) = (tracestate IS NULL)
    );
ALTER TABLE notification.flag ALTER COLUMN rooftop DROP DEFAULT;
CREATE INDEX flag_undecided_first ON notification.flag (part, undecided_at) WHERE undecided_at IS NOT NULL;
