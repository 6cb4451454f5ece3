-- MariaDB has no JSON type of its own: it writes LONGTEXT with this check.
SELECT check_clause
FROM information_schema.check_constraints
WHERE
    constraint_schema = 'prod'
    AND table_name = 'nps'
    AND check_clause LIKE 'json_valid(%'
