-- MySQL writes the CSV lines. Each field tests the column, not its text: should MySQL fail to write a value (one longer
-- than max_allowed_packet becomes NULL, with a warning only), the whole line is NULL and the extract fails.
SELECT
    CONCAT(
        `id`,
        ',',
        IF(`order` IS NULL, 'NULL_0123456789abcdef', `order`),
        ',',
        IF(`100%` IS NULL, 'NULL_0123456789abcdef', JSON_EXTRACT(JSON_ARRAY(CAST(`100%` AS DOUBLE)), '$[0]')),
        ',',
        IF(`flag` IS NULL, 'NULL_0123456789abcdef', ELT(`flag` + 1, 'false', 'true')),
        ',',
        LPAD(HEX(`bits`), 4, '0'),
        ',',
        IF(`blob` IS NULL, 'NULL_0123456789abcdef', HEX(`blob`)),
        ',',
        IF(`name ``x``` IS NULL, 'NULL_0123456789abcdef', CONCAT('"', REPLACE(`name ``x``` COLLATE utf8mb4_bin, '"', '""'), '"')),
        ',',
        CONCAT('"', REPLACE(CONVERT(`latin` USING utf8mb4) COLLATE utf8mb4_bin, '"', '""'), '"'),
        ',',
        IF(`iban` IS NULL, 'NULL_0123456789abcdef', CONCAT('"', REPLACE(IF(CHAR_LENGTH(`iban`) < 8, '****', CONCAT('****', RIGHT(`iban`, 4))) COLLATE utf8mb4_bin, '"', '""'), '"')),
        ',',
        IF(`mail` IS NULL, 'NULL_0123456789abcdef', CONCAT('"', REPLACE(IF(LOCATE('@', `mail`), CONCAT('***@', SUBSTRING_INDEX(`mail`, '@', -1)), '***') COLLATE utf8mb4_bin, '"', '""'), '"')),
        ',',
        IF(`note` IS NULL, 'NULL_0123456789abcdef', CONCAT('"', '***', '"')),
        ',',
        `updated at`,
        '\n'
    )
FROM `prod`.`nps`
WHERE
    `updated at` >= '2021-09-15 22:00:00.000000'
    AND `updated at` < '2021-09-17 00:00:00.000000'
