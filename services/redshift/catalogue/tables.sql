-- What the service writes down, and what its statements lean on. Every file here can run again over an older version.

SET LOCAL allow_system_table_mods = on; -- for names with pg_ and for views in pg_catalog, where every session finds them

CREATE SCHEMA IF NOT EXISTS pg_redshift;
GRANT USAGE ON SCHEMA pg_redshift TO PUBLIC;
GRANT CREATE ON SCHEMA public TO PUBLIC; -- as in Redshift; PostgreSQL 15 took it away

-- Sequences hold what belongs to a session and survives its ROLLBACK: currval() is the session's own.
CREATE SEQUENCE IF NOT EXISTS pg_redshift.copy_id;
CREATE SEQUENCE IF NOT EXISTS pg_redshift.copy_count MINVALUE 0;
GRANT ALL ON SEQUENCE pg_redshift.copy_id, pg_redshift.copy_count TO PUBLIC;

-- Written through a connection of the service's own, so that it survives the ROLLBACK of a failed COPY.
CREATE TABLE IF NOT EXISTS pg_redshift.load_error (
    user_name name NOT NULL,
    database_name text NOT NULL,
    table_id integer NOT NULL,
    start_time timestamp NOT NULL,
    session_id integer NOT NULL,
    query_id bigint NOT NULL,
    file_name text NOT NULL,
    line_number bigint NOT NULL,
    column_name text NOT NULL,
    column_type text NOT NULL,
    column_length text NOT NULL,
    position integer NOT NULL,
    raw_line text NOT NULL,
    raw_value text NOT NULL,
    code integer NOT NULL,
    reason text NOT NULL
);

-- Marks a CHECK constraint that only declares something; see dialect/declared.py.
CREATE OR REPLACE FUNCTION pg_redshift.declared(kind text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS 'SELECT true';

-- Keeps the row it is evaluated for, or removes it; see dialect/qualify.py.
CREATE OR REPLACE FUNCTION pg_redshift.qualify(keep boolean) RETURNS SETOF integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE ROWS 1 AS 'SELECT 1 WHERE keep';

-- Refuses a MERGE whose source is no table; see dialect/merge.py.
CREATE OR REPLACE FUNCTION pg_redshift.merge_source(source regclass) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    IF (SELECT relkind FROM pg_catalog.pg_class WHERE oid = source) <> 'r' THEN
        RAISE EXCEPTION USING ERRCODE = '0A000', MESSAGE = 'MERGE: the source ' || source || ' is not a table',
            HINT = 'Put the rows into a temporary table first.';
    END IF;
    RETURN true;
END $$;

-- A view WITH NO SCHEMA BINDING looks its tables up, by name, when it is queried: nothing depends on them, and after a
-- swap of tables it shows the new one. It is a view over a function of its own that runs the query as the view's owner.
CREATE OR REPLACE FUNCTION pg_redshift.create_late_binding_view(name text, query text, replacing boolean) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    columns text;
BEGIN
    IF NOT replacing AND to_regclass(name) IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = '42P07', MESSAGE = format('relation %s already exists', name);
    END IF;
    EXECUTE 'CREATE TEMP VIEW pg_redshift_probe AS ' || query;
    SELECT string_agg(format('%I %s', attname, format_type(atttypid, NULL)), ', ' ORDER BY attnum) INTO columns
    FROM pg_catalog.pg_attribute WHERE attrelid = 'pg_temp.pg_redshift_probe'::regclass AND attnum > 0;
    DROP VIEW pg_temp.pg_redshift_probe;
    IF to_regclass(name) IS NOT NULL AND columns IS DISTINCT FROM (
        SELECT string_agg(format('%I %s', attname, format_type(atttypid, NULL)), ', ' ORDER BY attnum)
        FROM pg_catalog.pg_attribute WHERE attrelid = to_regclass(name) AND attnum > 0
    ) THEN
        EXECUTE format('DROP VIEW %s', name); -- PostgreSQL replaces only views that keep their columns
    END IF;
    IF to_regclass(name) IS NULL THEN
        EXECUTE format('DROP FUNCTION IF EXISTS %s()', name);
    END IF;
    EXECUTE format(
        'CREATE OR REPLACE FUNCTION %s() RETURNS TABLE (%s) LANGUAGE plpgsql STABLE SECURITY DEFINER AS %L',
        name, columns, format('BEGIN RETURN QUERY EXECUTE %L; END', query)
    );
    EXECUTE format('CREATE OR REPLACE VIEW %1$s AS SELECT * FROM %1$s()', name);
END $$;

-- VARCHAR(n) counts bytes and CHAR(n) takes ASCII only. PostgreSQL's types count characters, so every table that is made
-- or altered, in whatever way, gets CHECK constraints; translate.py turns their violation into Redshift's error.
CREATE OR REPLACE FUNCTION pg_redshift.limit_bytes() RETURNS event_trigger
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
    changed oid;
    actions text;
    fixed text;
BEGIN
    FOR changed IN
        SELECT DISTINCT objid FROM pg_event_trigger_ddl_commands()
        WHERE classid = 'pg_class'::regclass AND object_type = 'table' AND schema_name NOT IN ('pg_catalog', 'pg_redshift')
    LOOP
        -- Redshift changes no column's length that a key names or that has a default.
        SELECT a.attname INTO fixed
        FROM pg_attribute AS a
        INNER JOIN pg_constraint AS former
            ON a.attrelid = former.conrelid AND former.conname ~ format('^character( varying)?\(\d+\) #%s$', a.attnum)
        WHERE
            a.attrelid = changed
            AND former.conname <> format('%s #%s', format_type(a.atttypid, a.atttypmod), a.attnum)
            AND (
                a.atthasdef OR EXISTS (
                    SELECT 1 FROM pg_constraint AS key
                    WHERE key.conrelid = changed AND a.attnum = ANY (key.conkey)
                        AND pg_get_constraintdef(key.oid) ~ 'pg_redshift\.declared\(''(PRIMARY|UNIQUE|FOREIGN)'
                )
            )
        LIMIT 1;
        IF fixed IS NOT NULL THEN
            RAISE EXCEPTION USING ERRCODE = '0A000',
                MESSAGE = format('cannot alter type of column "%s": it is part of a key, or has a default', fixed);
        END IF;
        WITH wanted AS (
            SELECT
                format('%s #%s', format_type(atttypid, atttypmod), attnum) AS conname,
                format('octet_length(%I) <= %s', attname, atttypmod - 4) AS condition
            FROM pg_attribute
            WHERE attrelid = changed AND attnum > 0 AND NOT attisdropped AND atttypmod > 4
                AND atttypid IN ('varchar'::regtype, 'bpchar'::regtype)
        ), present AS (
            SELECT conname FROM pg_constraint
            WHERE conrelid = changed AND contype = 'c' AND conname ~ '^character( varying)?\(\d+\) #\d+$'
        )
        SELECT string_agg(action, ', ') INTO actions
        FROM (
            SELECT format('DROP CONSTRAINT %I', conname) AS action FROM present
            WHERE conname NOT IN (SELECT conname FROM wanted)
            UNION ALL
            -- NOT VALID spares a scan: what is in the table came through the narrower constraint, or by CREATE TABLE AS.
            SELECT format('ADD CONSTRAINT %I CHECK (%s) NOT VALID', conname, condition) FROM wanted
            WHERE conname NOT IN (SELECT conname FROM present)
        ) AS steps;
        IF actions IS NOT NULL THEN
            EXECUTE format('ALTER TABLE %s %s', changed::regclass, actions);
        END IF;
    END LOOP;
END $$;

DROP EVENT TRIGGER IF EXISTS pg_redshift_limit_bytes;
CREATE EVENT TRIGGER pg_redshift_limit_bytes ON ddl_command_end
WHEN TAG IN ('CREATE TABLE', 'CREATE TABLE AS', 'SELECT INTO', 'ALTER TABLE')
EXECUTE FUNCTION pg_redshift.limit_bytes();

-- Redshift gives rights on columns of tables and bound views only.
CREATE OR REPLACE FUNCTION pg_redshift.refuse_rights_on_columns() RETURNS event_trigger
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
    late text;
BEGIN
    SELECT c.oid::regclass INTO late
    FROM pg_attribute AS a INNER JOIN pg_class AS c ON a.attrelid = c.oid
    WHERE c.relkind = 'v' AND a.attacl IS NOT NULL
        -- As create_late_binding_view() makes them.
        AND EXISTS (SELECT 1 FROM pg_proc AS p WHERE p.pronamespace = c.relnamespace AND p.proname = c.relname)
    LIMIT 1;
    IF late IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = '0A000',
            MESSAGE = format('a right on single columns of the late-binding view %s is not supported', late),
            HINT = 'Leave columns out of the view, and grant SELECT on all of it.';
    END IF;
END $$;

DROP EVENT TRIGGER IF EXISTS pg_redshift_rights_on_columns;
CREATE EVENT TRIGGER pg_redshift_rights_on_columns ON ddl_command_end
WHEN TAG IN ('GRANT')
EXECUTE FUNCTION pg_redshift.refuse_rights_on_columns();
