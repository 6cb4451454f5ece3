-- What becomes of the rows of each file set: for the audit table, and for the task's result.
CREATE TEMP TABLE _counts AS
SELECT
    f.load_id,
    f.staged,
    f.staged - NVL(b.newest, 0) AS duplicates,
    NVL(b.stale, 0) AS stale,
    NVL(b.inserted, 0) AS inserted,
    NVL(b.updated, 0) AS updated,
    f.removed
FROM (
    {{ staged }}
) AS f
LEFT JOIN (
    SELECT
        _manifest_id,
        COUNT(*) AS newest,
        COUNT(CASE WHEN _state = 'stale' THEN 1 END) AS stale,
        COUNT(CASE WHEN _state = 'new' THEN 1 END) AS inserted,
        COUNT(CASE WHEN _state = 'known' THEN 1 END) AS updated
    FROM _batch
    GROUP BY _manifest_id
) AS b ON f.load_id = b._manifest_id
