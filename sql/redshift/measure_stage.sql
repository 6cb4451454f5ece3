-- What was loaded, to be held against what the extract counted in MySQL.
SELECT
    {{ measures }}
FROM {{ stage }}
