-- Roles are cluster-wide and several databases may be migrated at once, so each is made in a block of its own that
-- takes "somebody else was faster" for an answer. A site whose migrator may not create roles makes them beforehand and
-- grants them to it.
DO $$
DECLARE
    wanted text;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['throughline_api', 'throughline_worker', 'throughline_appender'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted) THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I NOLOGIN NOBYPASSRLS', wanted);
            EXCEPTION WHEN duplicate_object OR unique_violation THEN
                NULL;
            END;
        END IF;
        IF NOT pg_has_role(current_user, wanted, 'MEMBER') THEN
            BEGIN
                EXECUTE format('GRANT %I TO %I', wanted, current_user);
            EXCEPTION WHEN duplicate_object OR unique_violation THEN
                NULL;
            END;
        END IF;
    END LOOP;
END
$$;

CREATE SCHEMA IF NOT EXISTS platform;
CREATE SCHEMA IF NOT EXISTS directory;

-- A table of tenants' rows, by its column group_id. Outside calls see the rows of the group named by app.tenant and,
-- unset, none; work of ours sees all. FORCE: not even the owner escapes, so a migration that reads rows does
-- SET LOCAL ROLE throughline_worker first.
CREATE OR REPLACE FUNCTION platform.protect(relation regclass) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', relation);
    EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', relation);
    EXECUTE format('DROP POLICY IF EXISTS tenant ON %s', relation);
    EXECUTE format('DROP POLICY IF EXISTS worker ON %s', relation);
    EXECUTE format('DROP POLICY IF EXISTS appender ON %s', relation);
    EXECUTE format(
        'CREATE POLICY tenant ON %s TO throughline_api'
        ' USING (group_id = nullif(current_setting(''app.tenant'', true), ''''))'
        ' WITH CHECK (group_id = nullif(current_setting(''app.tenant'', true), ''''))',
        relation
    );
    EXECUTE format('CREATE POLICY worker ON %s TO throughline_worker USING (true) WITH CHECK (true)', relation);
    EXECUTE format('CREATE POLICY appender ON %s TO throughline_appender USING (true) WITH CHECK (true)', relation);
    EXECUTE format(
        'GRANT SELECT, INSERT, UPDATE, DELETE ON %s TO throughline_api, throughline_worker, throughline_appender',
        relation
    );
    PERFORM platform.open_schema(relation);
END
$$;

-- A table that no call from outside touches: cursors, heads, alarms.
CREATE OR REPLACE FUNCTION platform.internal(relation regclass) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('REVOKE ALL ON %s FROM PUBLIC, throughline_api', relation);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %s TO throughline_worker, throughline_appender', relation);
    PERFORM platform.open_schema(relation);
END
$$;

CREATE OR REPLACE FUNCTION platform.open_schema(relation regclass) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format(
        'GRANT USAGE ON SCHEMA %s TO throughline_api, throughline_worker, throughline_appender',
        (SELECT relnamespace::regnamespace FROM pg_class WHERE oid = relation)
    );
END
$$;

-- Answers given under a request_id, kept for a day in the schema of the service that gave them.
CREATE OR REPLACE FUNCTION platform.create_request_table(owner text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format(
        'CREATE TABLE IF NOT EXISTS %I.request ('
        ' group_id text NOT NULL,'
        ' request_id uuid NOT NULL,'
        ' method text NOT NULL,'
        ' body_hash bytea NOT NULL,'
        ' response bytea NOT NULL,'
        ' answered_at timestamptz NOT NULL DEFAULT now(),'
        ' PRIMARY KEY (group_id, request_id))',
        owner
    );
    EXECUTE format('CREATE INDEX IF NOT EXISTS request_answered_at ON %I.request (answered_at)', owner);
    PERFORM platform.protect(format('%I.request', owner)::regclass);
END
$$;

-- What tokens are sealed with: 244 random bits, the same for every process on this database.
CREATE TABLE IF NOT EXISTS platform.secret (
    single boolean PRIMARY KEY DEFAULT true CHECK (single),
    bytes bytea NOT NULL
);
SELECT platform.internal('platform.secret');
INSERT INTO platform.secret (bytes)
VALUES (decode(replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''), 'hex'))
ON CONFLICT DO NOTHING;

-- Ingestion writes the directory; every service reads it to authenticate.
CREATE TABLE IF NOT EXISTS directory.dealer_group (
    group_id text PRIMARY KEY,
    display_name text NOT NULL,
    created_at timestamptz NOT NULL
);
SELECT platform.protect('directory.dealer_group');

CREATE TABLE IF NOT EXISTS directory.api_key (
    key_id text PRIMARY KEY,
    group_id text NOT NULL REFERENCES directory.dealer_group,
    -- SHA-256 of the secret, which is random: no salt and no slow hash are needed.
    hash bytea NOT NULL,
    display_name text NOT NULL,
    scopes text[] NOT NULL,
    -- empty: all of the group
    rooftops text[] NOT NULL,
    -- empty: all
    sources text[] NOT NULL,
    created_at timestamptz NOT NULL,
    revoked_at timestamptz
);
CREATE INDEX IF NOT EXISTS api_key_group ON directory.api_key (group_id, created_at, key_id);
SELECT platform.protect('directory.api_key');
