-- Rows that would make the summary wrong; there must be none.
SELECT
    COUNT(*) AS offending_rows,
    'answers without a time, or with a score outside 0 to 10' AS what_is_wrong
FROM analytics.nps_live
WHERE created_at IS NULL OR score IS NULL OR score NOT BETWEEN 0 AND 10
