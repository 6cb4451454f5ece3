-- One row per manifest and target: a retry after a COMMIT whose answer was lost adds none. The lock on the target makes
-- the look and the insert one step.
INSERT INTO {{ audit }} (
    load_id, target, schema_version, method, source, url, window_start, window_end, extracted_at, loaded_at, loaded_by,
    staged, duplicates, stale, inserted, updated, removed
)
SELECT
    {{ facts }},
    c.staged,
    c.duplicates,
    c.stale,
    c.inserted,
    c.updated,
    c.removed
FROM _counts AS c
WHERE
    c.load_id = {{ load_id }}
    AND NOT EXISTS (
        SELECT 1 FROM {{ audit }} AS a
        WHERE a.load_id = {{ load_id }} AND a.target = {{ target_name }}
    )
