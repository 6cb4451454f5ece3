-- Read before the snapshot begins: whatever was committed by then is in it.
SELECT
    UTC_TIMESTAMP(6) AS now,
    VERSION() AS version,
    @@max_allowed_packet AS max_allowed_packet
