-- Everything may be NULL here, so that a NULL in the key is counted and named rather than hit upon.
CREATE TEMP TABLE _stage_0 (
    "id" BIGINT,
    "amount" DECIMAL(12,2),
    "note" VARCHAR(40),
    "updated_at" TIMESTAMP,
    "deleted" SMALLINT
);

COPY _stage_0 ("id", "amount", "note", "updated_at", "deleted")
FROM 's3://lake/nps/'
IAM_ROLE 'arn:aws:iam::000000000000:role/redshift-copy'
CSV;

-- What was loaded, to be held against what the extract counted in MySQL.
SELECT
    COUNT(*),
    0
FROM _stage_0;

CREATE SCHEMA IF NOT EXISTS "audit";

CREATE TABLE IF NOT EXISTS "audit"."loads" (
    load_id VARCHAR(64) NOT NULL,
    target VARCHAR(512) NOT NULL,
    schema_version SMALLINT NOT NULL,
    method VARCHAR(16) NOT NULL,
    source VARCHAR(512),
    url VARCHAR(1536) NOT NULL,
    window_start TIMESTAMP,
    window_end TIMESTAMP,
    extracted_at TIMESTAMP,
    loaded_at TIMESTAMP NOT NULL,
    loaded_by VARCHAR(1024),
    staged BIGINT NOT NULL,
    duplicates BIGINT NOT NULL,
    stale BIGINT NOT NULL,
    inserted BIGINT NOT NULL,
    updated BIGINT NOT NULL,
    removed BIGINT NOT NULL,
    PRIMARY KEY (load_id, target)
);

BEGIN;

-- First in the transaction: snapshot isolation lets two loads insert the same new key, and neither gets error 1023.
LOCK TABLE "analytics"."nps";

-- Whether an earlier try of the same task has appended these very files.
SELECT COUNT(*) FROM "audit"."loads" WHERE load_id = 'abababababababababababababababababababababababababababababababab' AND target = 'analytics.nps';

-- Without a key, all staged rows are new.
CREATE TEMP TABLE _counts AS
SELECT
    'abababababababababababababababababababababababababababababababab'::VARCHAR(64) AS load_id,
    COUNT(*) AS staged,
    0 AS duplicates,
    0 AS stale,
    COUNT(*) AS inserted,
    0 AS updated,
    0 AS removed
FROM _stage_0;

INSERT INTO "analytics"."nps" (
    "id",
    "amount",
    "note",
    "updated_at",
    "deleted"
)
SELECT
    "id",
    "amount",
    "note",
    "updated_at",
    "deleted"
FROM _stage_0;

-- One row per manifest and target: a retry after a COMMIT whose answer was lost adds none. The lock on the target makes
-- the look and the insert one step.
INSERT INTO "audit"."loads" (
    load_id, target, schema_version, method, source, url, window_start, window_end, extracted_at, loaded_at, loaded_by,
    staged, duplicates, stale, inserted, updated, removed
)
SELECT
    'abababababababababababababababababababababababababababababababab',
    'analytics.nps',
    1,
    'APPEND',
    '',
    's3://lake/nps/',
    NULL::TIMESTAMP,
    NULL::TIMESTAMP,
    NULL::TIMESTAMP,
    SYSDATE,
    '',
    c.staged,
    c.duplicates,
    c.stale,
    c.inserted,
    c.updated,
    c.removed
FROM _counts AS c
WHERE
    c.load_id = 'abababababababababababababababababababababababababababababababab'
    AND NOT EXISTS (
        SELECT 1 FROM "audit"."loads" AS a
        WHERE a.load_id = 'abababababababababababababababababababababababababababababababab' AND a.target = 'analytics.nps'
    );

SELECT
    SUM(staged),
    SUM(duplicates),
    SUM(stale),
    SUM(inserted),
    SUM(updated),
    SUM(removed)
FROM _counts;

COMMIT;
