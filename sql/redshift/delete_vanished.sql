-- Live rows that the source had no more when it was read. Tombstones stay: without them an older load could bring the
-- row back.
DELETE FROM {{ target }}
WHERE
    {{ covered }}
    AND {{ live }}
