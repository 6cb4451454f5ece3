-- What the files must hold, counted by MySQL in the same snapshot.
SELECT
    COUNT(*),
    SUM(`id`),
    COUNT(`born`),
    COUNT(IF(YEAR(`born`) * MONTH(`born`) * DAYOFMONTH(`born`) = 0, 1, NULL))
FROM `prod`.`nps`
WHERE
    `id` >= -5
    AND `id` < 9
