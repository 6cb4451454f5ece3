/* ---
description: keys are there more than once
level: fail
--- */
SELECT COUNT(*)
FROM (
    SELECT {{ key }}
    FROM {{ target }}
    GROUP BY {{ key }}
    HAVING COUNT(*) > 1
) AS repeated
