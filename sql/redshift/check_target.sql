-- Every staged key is in the target, once, at its order value or newer.
SELECT
    COUNT(CASE WHEN {{ first_key }} IS NULL THEN 1 END) AS missing,
    COUNT(CASE WHEN {{ older }} THEN 1 END) AS older,
    (
        SELECT COUNT(*) FROM (
            SELECT {{ key }}
            FROM {{ target }} AS t
            INNER JOIN _batch AS s
                ON {{ same_key }}
            GROUP BY {{ key }}
            HAVING COUNT(*) > 1
        ) AS r
    ) AS repeated
FROM (
    {{ stages }}
) AS s
LEFT JOIN {{ target }} AS t
    ON {{ same_key }}
