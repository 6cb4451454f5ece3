-- MySQL writes the CSV lines. Each field tests the column, not its text: should MySQL fail to write a value (one longer
-- than max_allowed_packet becomes NULL, with a warning only), the whole line is NULL and the extract fails.
SELECT
    CONCAT(
        ''
    ),
    CONCAT(`email`),
    CONCAT(
        ',',
        `id`,
        ','
    ),
    CONCAT(IF(`born` IS NULL OR YEAR(`born`) * MONTH(`born`) * DAYOFMONTH(`born`) = 0, NULL, `born`)),
    CONCAT(
        '\n'
    )
FROM `prod`.`nps`
