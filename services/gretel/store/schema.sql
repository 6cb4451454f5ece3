CREATE TABLE projects (
    id           TEXT PRIMARY KEY,
    guid         TEXT NOT NULL UNIQUE,
    name         TEXT NOT NULL UNIQUE,
    display_name TEXT NOT NULL,
    description  TEXT NOT NULL,
    runner_mode  TEXT,
    owner_id     TEXT NOT NULL,
    created      TEXT NOT NULL
);

CREATE TABLE members (
    project_id TEXT NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    user_id    TEXT NOT NULL,
    PRIMARY KEY (project_id, user_id)
);

CREATE TABLE artifacts (
    key        TEXT PRIMARY KEY,
    project_id TEXT NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    filename   TEXT NOT NULL,
    status     TEXT NOT NULL CHECK (status IN ('pending', 'completed')),
    size       INTEGER,
    sha256     TEXT,
    created    TEXT NOT NULL
);
CREATE INDEX artifacts_by_project ON artifacts (project_id);

-- Models and record handlers are both jobs; a record handler belongs to a model.
CREATE TABLE jobs (
    seq            INTEGER PRIMARY KEY AUTOINCREMENT, -- the queue's order
    uid            TEXT NOT NULL UNIQUE,
    kind           TEXT NOT NULL CHECK (kind IN ('model', 'handler')),
    project_id     TEXT NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    model_uid      TEXT REFERENCES jobs (uid) ON DELETE CASCADE,
    name           TEXT NOT NULL,
    model_type     TEXT NOT NULL,
    config         TEXT NOT NULL, -- JSON, as answered to the client
    task           TEXT NOT NULL, -- JSON, what the worker is told to do
    data_source    TEXT,
    user_id        TEXT NOT NULL,
    status         TEXT NOT NULL,
    attempt        INTEGER NOT NULL DEFAULT 0,
    error_msg      TEXT,
    traceback      TEXT,
    status_history TEXT NOT NULL, -- JSON, status to the time it was last entered
    seconds        REAL NOT NULL DEFAULT 0,
    last_modified  TEXT NOT NULL
);
CREATE INDEX jobs_by_status ON jobs (status, seq);
CREATE INDEX jobs_by_project ON jobs (project_id, kind);
CREATE INDEX jobs_by_model ON jobs (model_uid);

CREATE TABLE logs (
    job_uid TEXT NOT NULL REFERENCES jobs (uid) ON DELETE CASCADE,
    seq     INTEGER NOT NULL,
    ts      TEXT NOT NULL,
    stage   TEXT NOT NULL,
    msg     TEXT NOT NULL,
    ctx     TEXT NOT NULL, -- JSON
    PRIMARY KEY (job_uid, seq)
) WITHOUT ROWID;

-- Worker time outlives the jobs it was used for: deleting a model gives no credit back.
CREATE TABLE usage (
    user_id TEXT NOT NULL,
    month   TEXT NOT NULL,
    seconds REAL NOT NULL,
    PRIMARY KEY (user_id, month)
) WITHOUT ROWID;
