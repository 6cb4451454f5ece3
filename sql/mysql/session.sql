-- How the session reads: every sql_mode off that would change what a value looks like, TIMESTAMPs in UTC, one snapshot
-- per transaction. The write time-out is how long MySQL waits while S3 takes its time.
SET SESSION sql_mode = '';
SET SESSION time_zone = '+00:00';
SET SESSION net_write_timeout = 3600;
SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ;
