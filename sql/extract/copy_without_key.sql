-- Executes the feature query once. MATERIALIZED keeps its rows, in its order, while the key is proven; only then, and
-- only if every row has a key of its own, are the rows sent, without the key.
COPY (
    WITH features AS MATERIALIZED (
{{ query }}
    ),

    broken AS (
        -- A NULL key is not among the distinct ones, so it breaks the rule as a repeated one does.
        SELECT count(*) - count(DISTINCT {{ key }}) AS broken_keys FROM features
    )

    SELECT {{ columns }}
    FROM features
    WHERE (SELECT broken.broken_keys FROM broken) = 0
) TO STDOUT WITH (FORMAT csv, HEADER, ENCODING 'UTF8')
