-- The newest row of each key, and how it stands to the target's. MERGE refuses a source row that matches twice.
CREATE TEMP TABLE _batch AS
SELECT
    {{ values }},
    CASE
        WHEN {{ first_key }} IS NULL THEN 'new'
        WHEN {{ stale }} THEN 'stale'
        ELSE 'known'
    END AS _state
FROM (
    {{ stages }}
) AS s
LEFT JOIN {{ target }} AS t
    ON {{ same_key }}
QUALIFY ROW_NUMBER() OVER (PARTITION BY {{ key }} ORDER BY {{ newest_first }}) = 1
