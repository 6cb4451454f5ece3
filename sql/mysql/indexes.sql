-- The column is NULL where MySQL indexes an expression.
SELECT
    index_name,
    column_name,
    non_unique,
    nullable
FROM information_schema.statistics
WHERE
    table_schema = {{ database_name }}
    AND table_name = {{ table_name }}
ORDER BY index_name, seq_in_index
