-- What the files must hold, counted by MySQL in the same snapshot.
SELECT
    {{ measures }}
FROM {{ table }}
{{ where }}
