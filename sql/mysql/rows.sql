-- MySQL writes the CSV lines. Each field tests the column, not its text: should MySQL fail to write a value (one longer
-- than max_allowed_packet becomes NULL, with a warning only), the whole line is NULL and the extract fails.
SELECT
    {{ fields }}
FROM {{ table }}
{{ where }}
