SELECT
    column_name,
    data_type,
    character_maximum_length,
    numeric_precision,
    numeric_scale,
    is_nullable,
    column_default
FROM svv_columns
WHERE
    LOWER(table_schema) = LOWER('analytics')
    AND LOWER(table_name) = LOWER('nps')
ORDER BY ordinal_position;

SELECT
    column_name,
    data_type,
    character_maximum_length,
    numeric_precision,
    numeric_scale,
    is_nullable,
    column_default
FROM svv_columns
WHERE
    LOWER(table_schema) = LOWER(CURRENT_SCHEMA())
    AND LOWER(table_name) = LOWER('it''s')
ORDER BY ordinal_position;

SELECT COUNT(*)
FROM svv_tables
WHERE
    LOWER(table_schema) = LOWER('analytics')
    AND LOWER(table_name) = LOWER('nps_live');

SELECT * FROM "analytics"."nps_live" LIMIT 0;

SELECT u.column_name
FROM information_schema.table_constraints AS c
INNER JOIN information_schema.key_column_usage AS u
    ON
        c.constraint_schema = u.constraint_schema
        AND c.constraint_name = u.constraint_name
        AND c.table_name = u.table_name
WHERE
    c.constraint_type = 'PRIMARY KEY'
    AND LOWER(c.table_schema) = LOWER('analytics')
    AND LOWER(c.table_name) = LOWER('nps')
ORDER BY u.ordinal_position;

SELECT COUNT(*) FROM _stage_1 WHERE "id" IS NULL OR "updated_at" IS NULL;

-- This session's last failed COPY. The view has no values, which may be personal data.
SELECT
    TRIM(file_name),
    line_number,
    TRIM(column_name),
    TRIM(column_type),
    TRIM(column_length),
    TRIM(error_message)
FROM sys_load_error_detail
WHERE session_id = PG_BACKEND_PID()
ORDER BY start_time DESC, file_name, line_number
LIMIT 5;
