-- Asked when nothing came back: was there nothing, or is the key broken? Counts only, never a key's value.
SELECT
    count(*) AS row_count,
    count(*) - count({{ key }}) AS null_keys,
    count({{ key }}) - count(DISTINCT {{ key }}) AS repeated_keys
FROM (
{{ query }}
) AS features
