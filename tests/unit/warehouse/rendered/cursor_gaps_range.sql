-- Rows that no window would ever cover: without a cursor, or with one before the year 1.
SELECT COUNT(*) AS gaps
FROM `prod`.`nps`
WHERE
    (`updated at` IS NULL OR `updated at` < '0001-01-01 00:00:00')
    AND `id` >= -5
    AND `id` < 9
