-- What the files must hold, counted by MySQL in the same snapshot.
SELECT
    COUNT(*),
    SUM(`id`),
    COUNT(`order`),
    SUM(`order`),
    COUNT(`100%`),
    COUNT(`flag`),
    COUNT(`blob`),
    COUNT(`name ``x```),
    MAX(OCTET_LENGTH(CONVERT(`latin` USING utf8mb4))),
    COUNT(`iban`),
    COUNT(`mail`),
    COUNT(`note`),
    COUNT(IF(YEAR(`updated at`) * MONTH(`updated at`) * DAYOFMONTH(`updated at`) = 0, 1, NULL))
FROM `prod`.`nps`
WHERE
    `updated at` >= '2021-09-15 22:00:00.000000'
    AND `updated at` < '2021-09-17 00:00:00.000000'
