CREATE INDEX sessions_user_id ON sessions (user_id);

ANALYZE users;

ANALYZE sessions;
