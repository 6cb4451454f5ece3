-- Not TRUNCATE, which commits.
DELETE FROM {{ target }}
