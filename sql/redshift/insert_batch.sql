INSERT INTO {{ target }} (
    {{ columns }}
)
SELECT
    {{ values }}
FROM _batch AS s
