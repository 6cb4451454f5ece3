-- Live rows and their checksums, by the day of the cursor.
SELECT
    {{ day }} AS cursor_day,
    COUNT(*) AS live_rows,
    {{ sums }}
FROM {{ table }}
WHERE {{ where }}
GROUP BY {{ day }}
