-- Rows that the batch replaces.
DELETE FROM {{ target }} USING _batch AS s
WHERE
    {{ same_key }}
