SELECT
    information_schema.tables.table_type,
    information_schema.tables.engine,
    information_schema.engines.transactions
FROM information_schema.tables
LEFT JOIN information_schema.engines ON information_schema.tables.engine = information_schema.engines.engine
WHERE
    information_schema.tables.table_schema = 'prod'
    AND information_schema.tables.table_name = 'nps'
