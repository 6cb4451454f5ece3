-- Without a key, all staged rows are new.
CREATE TEMP TABLE _counts AS
SELECT
    {{ load_id }}::VARCHAR(64) AS load_id,
    COUNT(*) AS staged,
    0 AS duplicates,
    0 AS stale,
    COUNT(*) AS inserted,
    0 AS updated,
    {{ removed }} AS removed
FROM {{ stage }}
