SELECT
    column_name,
    data_type,
    column_type,
    is_nullable,
    character_maximum_length,
    numeric_precision,
    numeric_scale,
    character_set_name
FROM information_schema.columns
WHERE
    table_schema = 'prod'
    AND table_name = 'nps'
ORDER BY ordinal_position
