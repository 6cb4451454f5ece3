-- This session's last failed COPY. The view has no values, which may be personal data.
SELECT
    TRIM(file_name),
    line_number,
    TRIM(column_name),
    TRIM(column_type),
    TRIM(column_length),
    TRIM(error_message)
FROM sys_load_error_detail
WHERE session_id = PG_BACKEND_PID()
ORDER BY start_time DESC, file_name, line_number
LIMIT 5
