/* ---
description: days between the first and the last have no answers
level: warn
target: analytics.nps_summary
--- */
SELECT COALESCE(DATEDIFF(DAY, MIN(period_start), MAX(period_start)) + 1 - COUNT(*), 0)
FROM {{ target }}
WHERE grain = 'day'
