-- Whether an earlier try of the same task has appended these very files.
SELECT COUNT(*) FROM {{ audit }} WHERE load_id = {{ load_id }} AND target = {{ target_name }}
