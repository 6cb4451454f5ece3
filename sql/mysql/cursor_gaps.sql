-- Rows that no window would ever cover: without a cursor, or with one before the year 1.
SELECT COUNT(*) AS gaps
FROM {{ table }}
{{ where }}
