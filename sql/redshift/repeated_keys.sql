SELECT COUNT(*) FROM (
    SELECT {{ key }}
    FROM (
        SELECT
            {{ columns }},
            {{ rank }} AS _rank
        FROM {{ stage }}
    ) AS s
    WHERE _rank = 1
    GROUP BY {{ key }}
    HAVING
        COUNT(*) > 1
        {{ ambiguous }}
) AS r
