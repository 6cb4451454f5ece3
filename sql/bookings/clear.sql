-- TRUNCATE is transactional: until the load commits, readers wait, and a rollback brings the old rows back.
-- The index goes as well, because building it once after the load is faster than keeping it up row by row.
TRUNCATE users, sessions, countries, age_gender_bkts;

DROP INDEX IF EXISTS sessions_user_id;
