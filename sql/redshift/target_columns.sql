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
    LOWER(table_schema) = LOWER({{ schema_name }})
    AND LOWER(table_name) = LOWER({{ table_name }})
ORDER BY ordinal_position
