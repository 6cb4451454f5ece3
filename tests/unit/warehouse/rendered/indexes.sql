-- The column is NULL where MySQL indexes an expression.
SELECT
    index_name,
    column_name,
    non_unique,
    nullable
FROM information_schema.statistics
WHERE
    table_schema = 'prod'
    AND table_name = 'nps'
ORDER BY index_name, seq_in_index
