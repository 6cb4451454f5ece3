/* ---
description: rows came with a manifest that the audit table does not know
level: fail
--- */
SELECT COUNT(*)
FROM {{ target }} AS t
LEFT JOIN {{ audit }} AS a
    ON t._manifest_id = a.load_id AND a.target = {{ target_name }}
WHERE a.load_id IS NULL
