SELECT COUNT(*)
FROM svv_tables
WHERE
    LOWER(table_schema) = LOWER({{ schema_name }})
    AND LOWER(table_name) = LOWER({{ view_name }})
