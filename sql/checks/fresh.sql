/* ---
description: nothing was loaded for two days (1 = yes)
level: warn
--- */
SELECT COUNT(CASE WHEN newest IS NULL OR newest < DATEADD(DAY, -2, SYSDATE) THEN 1 END)
FROM (
    SELECT MAX(a.loaded_at) AS newest
    FROM {{ audit }} AS a
    WHERE a.target = {{ target_name }}
) AS loads
