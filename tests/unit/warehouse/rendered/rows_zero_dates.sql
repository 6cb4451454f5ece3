-- MySQL writes the CSV lines. Each field tests the column, not its text: should MySQL fail to write a value (one longer
-- than max_allowed_packet becomes NULL, with a warning only), the whole line is NULL and the extract fails.
SELECT
    CONCAT(
        IF(YEAR(`updated at`) * MONTH(`updated at`) * DAYOFMONTH(`updated at`) = 0, 'NULL_0123456789abcdef', `updated at`),
        '\n'
    )
FROM `prod`.`nps`
