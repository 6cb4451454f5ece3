-- HMAC-SHA256 (RFC 2104) of every entity key, computed in here so that no key leaves; the pads hold the secret. Sorted by
-- itself, so that nobody can tell which row is whose.
COPY (
    WITH features AS (
{{ query }}
    ),

    pads AS (
        SELECT
            current_setting('subjects.inner_pad')::bytea AS inner_pad,
            current_setting('subjects.outer_pad')::bytea AS outer_pad
    ),

    subjects AS (
        SELECT sha256(pads.outer_pad || sha256(pads.inner_pad || convert_to({{ key }}::text, 'UTF8'))) AS subject
        FROM features
        CROSS JOIN pads
    )

    SELECT encode(subject, 'hex')
    FROM subjects
    ORDER BY subject
) TO STDOUT
