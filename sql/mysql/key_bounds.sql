SELECT
    MIN({{ key }}) AS lowest,
    MAX({{ key }}) AS highest
FROM {{ table }}
