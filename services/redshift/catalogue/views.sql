-- Redshift's system views, and PostgreSQL's information_schema as Redshift shows it.

-- What CREATE TABLE declared; see dialect/declared.py.
CREATE OR REPLACE VIEW pg_redshift.declaration AS
SELECT
    conrelid AS relid,
    conname,
    connamespace,
    substring(pg_get_constraintdef(oid) FROM 'declared\(''([A-Z ]+)''') AS kind,
    coalesce(conkey, '{}') AS columns
FROM pg_constraint
WHERE contype = 'c' AND pg_get_constraintdef(oid) LIKE '%pg_redshift.declared(%';

CREATE OR REPLACE FUNCTION pg_redshift.type_name(relid oid, attnum smallint) RETURNS text
LANGUAGE sql STABLE AS $$
    SELECT CASE a.atttypid
        WHEN 'jsonb'::regtype THEN 'super'
        WHEN 'bytea'::regtype THEN coalesce((
            SELECT substring(conname FROM '^binary varying\(\d+\)') FROM pg_constraint AS c
            WHERE c.conrelid = relid AND c.conkey = ARRAY[a.attnum] AND c.conname LIKE 'binary varying(%'
        ), 'binary varying')
        ELSE format_type(a.atttypid, a.atttypmod) END
    FROM pg_attribute AS a WHERE a.attrelid = relid AND a.attnum = type_name.attnum
$$;

CREATE OR REPLACE FUNCTION pg_redshift.row_count(relid oid) RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER COST 100000 SET search_path = pg_catalog AS $$
DECLARE
    rows bigint;
BEGIN
    EXECUTE format('SELECT count(*) FROM %s', relid::regclass) INTO rows;
    RETURN rows;
END $$;

-- information_schema: PostgreSQL's own view moves aside once, and the view in its place shows what Redshift would.
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['columns', 'table_constraints', 'key_column_usage'] LOOP
        IF to_regclass('pg_redshift.' || name || '_of_postgresql') IS NULL THEN
            EXECUTE format('CREATE VIEW pg_redshift.%I AS %s', name || '_of_postgresql',
                pg_get_viewdef(('information_schema.' || name)::regclass));
        END IF;
    END LOOP;
    EXECUTE 'CREATE OR REPLACE VIEW information_schema.columns AS SELECT ' || (
        SELECT string_agg(CASE attname
            WHEN 'data_type' THEN $case$(CASE udt_name WHEN 'jsonb' THEN 'super' WHEN 'bytea' THEN 'binary varying'
                ELSE data_type END)::information_schema.character_data AS data_type$case$
            WHEN 'column_default' THEN $case$(CASE is_identity WHEN 'YES' THEN format('"identity"(%s, %s, %L::text)',
                format('%I.%I', table_schema, table_name)::regclass::oid, ordinal_position - 1,
                identity_start || ',' || identity_increment)
                ELSE column_default END)::information_schema.character_data AS column_default$case$
            ELSE quote_ident(attname) END, ', ' ORDER BY attnum)
        FROM pg_attribute WHERE attrelid = 'pg_redshift.columns_of_postgresql'::regclass AND attnum > 0
    ) || $q$ FROM pg_redshift.columns_of_postgresql WHERE table_schema <> 'pg_redshift'$q$;
END $$;

CREATE OR REPLACE VIEW pg_redshift.declared_key AS
SELECT
    current_database()::information_schema.sql_identifier AS catalog_name,
    n.nspname::information_schema.sql_identifier AS schema_name,
    c.relname::information_schema.sql_identifier AS table_name,
    d.conname::information_schema.sql_identifier AS constraint_name,
    d.kind::information_schema.character_data AS kind,
    d.relid,
    d.columns
FROM pg_redshift.declaration AS d
JOIN pg_class AS c ON c.oid = d.relid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE d.kind IN ('PRIMARY KEY', 'UNIQUE', 'FOREIGN KEY');

CREATE OR REPLACE VIEW information_schema.table_constraints AS
SELECT * FROM pg_redshift.table_constraints_of_postgresql WHERE constraint_type <> 'CHECK'
UNION ALL
SELECT
    catalog_name, schema_name, constraint_name, catalog_name, schema_name, table_name, kind,
    'NO'::information_schema.yes_or_no, 'NO'::information_schema.yes_or_no,
    'NO'::information_schema.yes_or_no, NULL::information_schema.yes_or_no
FROM pg_redshift.declared_key;

CREATE OR REPLACE VIEW information_schema.key_column_usage AS
SELECT * FROM pg_redshift.key_column_usage_of_postgresql
UNION ALL
SELECT
    k.catalog_name, k.schema_name, k.constraint_name, k.catalog_name, k.schema_name, k.table_name,
    a.attname::information_schema.sql_identifier, u.position::information_schema.cardinal_number,
    NULL::information_schema.cardinal_number
FROM pg_redshift.declared_key AS k
CROSS JOIN LATERAL unnest(k.columns) WITH ORDINALITY AS u (attnum, position)
JOIN pg_attribute AS a ON a.attrelid = k.relid AND a.attnum = u.attnum;

-- Tables and columns ------------------------------------------------------------------------------------------------

CREATE OR REPLACE VIEW pg_catalog.svv_tables AS
SELECT
    table_catalog::text, table_schema::text, table_name::text,
    CASE table_type WHEN 'LOCAL TEMPORARY' THEN 'BASE TABLE' ELSE table_type::text END AS table_type,
    obj_description(to_regclass(format('%I.%I', table_schema, table_name)), 'pg_class') AS remarks
FROM information_schema.tables
WHERE table_schema <> 'pg_redshift';

CREATE OR REPLACE VIEW pg_catalog.svv_columns AS
SELECT
    table_catalog::text, table_schema::text, table_name::text, column_name::text, ordinal_position::integer,
    column_default::text, is_nullable::text, data_type::text, character_maximum_length::integer,
    numeric_precision::integer, numeric_precision_radix::integer, numeric_scale::integer, datetime_precision::integer,
    interval_type::text, interval_precision::text, character_set_catalog::text, character_set_schema::text,
    character_set_name::text, collation_catalog::text, collation_schema::text, collation_name::text,
    domain_name::text,
    col_description(to_regclass(format('%I.%I', table_schema, table_name)), ordinal_position) AS remarks
FROM information_schema.columns;

CREATE OR REPLACE VIEW pg_catalog.svv_all_tables AS
SELECT
    table_catalog AS database_name, table_schema AS schema_name, table_name,
    CASE table_type WHEN 'BASE TABLE' THEN 'TABLE' ELSE table_type END AS table_type, NULL::text AS table_acl, remarks
FROM pg_catalog.svv_tables;

CREATE OR REPLACE VIEW pg_catalog.svv_redshift_tables AS
SELECT database_name, schema_name, table_name, table_type, table_acl, remarks FROM pg_catalog.svv_all_tables;

CREATE OR REPLACE VIEW pg_catalog.svv_all_columns AS
SELECT
    table_catalog AS database_name, table_schema AS schema_name, table_name, column_name, ordinal_position,
    column_default, is_nullable, data_type, character_maximum_length, numeric_precision, numeric_scale, remarks
FROM pg_catalog.svv_columns;

CREATE OR REPLACE VIEW pg_catalog.svv_redshift_columns AS
SELECT
    database_name, schema_name, table_name, column_name, ordinal_position, data_type, column_default, is_nullable,
    'none'::text AS encoding, false AS distkey, 0 AS sortkey, NULL::text AS column_acl, remarks
FROM pg_catalog.svv_all_columns;

CREATE OR REPLACE VIEW pg_redshift.table_key AS
SELECT
    relid,
    max(a.attname) FILTER (WHERE kind = 'DISTKEY') AS distkey,
    max(a.attname) FILTER (WHERE kind = 'SORTKEY' AND position = 1) AS sortkey1,
    count(*) FILTER (WHERE kind = 'SORTKEY') AS sortkey_num
FROM pg_redshift.declaration AS d
CROSS JOIN LATERAL unnest(d.columns) WITH ORDINALITY AS u (attnum, position)
JOIN pg_attribute AS a ON a.attrelid = d.relid AND a.attnum = u.attnum
GROUP BY relid;

CREATE OR REPLACE VIEW pg_catalog.pg_table_def AS
SELECT
    n.nspname AS schemaname, c.relname AS tablename, a.attname AS "column",
    pg_redshift.type_name(c.oid, a.attnum) AS type, 'none'::text AS encoding,
    coalesce(a.attnum = ANY (dist.columns), false) AS distkey,
    coalesce(array_position(sort.columns, a.attnum), 0) AS sortkey, a.attnotnull AS "notnull"
FROM pg_attribute AS a
JOIN pg_class AS c ON c.oid = a.attrelid AND c.relkind = 'r'
JOIN pg_namespace AS n ON n.oid = c.relnamespace AND n.nspname = ANY (current_schemas(true))
LEFT JOIN pg_redshift.declaration AS dist ON dist.relid = c.oid AND dist.kind = 'DISTKEY'
LEFT JOIN pg_redshift.declaration AS sort ON sort.relid = c.oid AND sort.kind = 'SORTKEY'
WHERE a.attnum > 0 AND NOT a.attisdropped;

-- As in Redshift, without empty tables.
CREATE OR REPLACE VIEW pg_catalog.svv_table_info AS
SELECT
    current_database()::text AS database, n.nspname::text AS schema, c.oid AS table_id, c.relname::text AS "table",
    'N'::text AS encoded,
    CASE
        WHEN k.distkey IS NOT NULL THEN format('KEY(%s)', k.distkey)
        WHEN s.kind IS NOT NULL THEN substr(s.kind, 11)
        ELSE 'AUTO(EVEN)'
    END AS diststyle,
    k.sortkey1::text, coalesce(k.sortkey_num, 0)::integer AS sortkey_num,
    pg_total_relation_size(c.oid) / 1048576 AS size,
    rows.count::numeric(38, 0) AS tbl_rows, rows.count::numeric(38, 0) AS estimated_visible_rows
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace AND n.nspname !~ '^(pg_|information_schema$)'
LEFT JOIN pg_redshift.table_key AS k ON k.relid = c.oid
LEFT JOIN pg_redshift.declaration AS s ON s.relid = c.oid AND s.kind LIKE 'DISTSTYLE %'
CROSS JOIN LATERAL (SELECT pg_redshift.row_count(c.oid) AS count) AS rows
WHERE c.relkind = 'r' AND rows.count > 0;

CREATE OR REPLACE VIEW pg_catalog.svv_external_schemas AS
SELECT NULL::integer AS esoid, NULL::smallint AS eskind, NULL::text AS schemaname, NULL::integer AS esowner,
    NULL::text AS databasename, NULL::text AS esoptions
WHERE false;

-- Load errors -------------------------------------------------------------------------------------------------------
-- Everybody sees their own. CHAR columns are padded, as in Redshift.

CREATE OR REPLACE VIEW pg_catalog.stl_load_errors AS
SELECT
    usesysid::integer AS userid, 0 AS slice, table_id AS tbl, start_time AS starttime, session_id AS session,
    query_id::integer AS query, file_name::char(256) AS filename, line_number, column_name::char(127) AS colname,
    column_type::char(10) AS type, column_length::char(10) AS col_length, position, raw_line::char(1024) AS raw_line,
    raw_value::char(1024) AS raw_field_value, code AS err_code, reason::char(100) AS err_reason,
    0 AS is_partial, 0::bigint AS start_offset, NULL::bigint AS copy_job_id
FROM pg_redshift.load_error
JOIN pg_user ON usename = user_name
WHERE user_name = session_user OR (SELECT usesuper FROM pg_user WHERE usename = session_user);

CREATE OR REPLACE VIEW pg_catalog.sys_load_error_detail AS
SELECT
    usesysid::integer AS user_id, query_id, 0::bigint AS transaction_id, session_id,
    database_name::char(64) AS database_name, table_id, start_time, file_name::char(256) AS file_name, line_number,
    column_name::char(127) AS column_name, column_type::char(10) AS column_type,
    column_length::char(10) AS column_length, position, code AS error_code, reason::char(512) AS error_message
FROM pg_redshift.load_error
JOIN pg_user ON usename = user_name
WHERE user_name = session_user OR (SELECT usesuper FROM pg_user WHERE usename = session_user);

GRANT SELECT ON ALL TABLES IN SCHEMA information_schema TO PUBLIC;
GRANT SELECT ON pg_catalog.svv_tables, pg_catalog.svv_columns, pg_catalog.svv_all_tables, pg_catalog.svv_redshift_tables,
    pg_catalog.svv_all_columns, pg_catalog.svv_redshift_columns, pg_catalog.pg_table_def, pg_catalog.svv_table_info,
    pg_catalog.svv_external_schemas, pg_catalog.stl_load_errors, pg_catalog.sys_load_error_detail TO PUBLIC;
