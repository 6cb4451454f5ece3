SELECT u.column_name
FROM information_schema.table_constraints AS c
INNER JOIN information_schema.key_column_usage AS u
    ON
        c.constraint_schema = u.constraint_schema
        AND c.constraint_name = u.constraint_name
        AND c.table_name = u.table_name
WHERE
    c.constraint_type = 'PRIMARY KEY'
    AND LOWER(c.table_schema) = LOWER({{ schema_name }})
    AND LOWER(c.table_name) = LOWER({{ table_name }})
ORDER BY u.ordinal_position
