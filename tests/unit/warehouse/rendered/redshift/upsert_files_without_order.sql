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
    COUNT(CASE WHEN "id" IS NULL THEN 1 END)
FROM _stage_0;

SELECT COUNT(*) FROM (
    SELECT "id"
    FROM (
        SELECT
            "id",
    "amount",
    "note",
    "updated_at",
    "deleted",
            RANK() OVER (PARTITION BY "id" ORDER BY "id" DESC) AS _rank
        FROM _stage_0
    ) AS s
    WHERE _rank = 1
    GROUP BY "id"
    HAVING
        COUNT(*) > 1
        
) AS r;

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

-- The newest row of each key, and how it stands to the target's. MERGE refuses a source row that matches twice.
CREATE TEMP TABLE _batch AS
SELECT
    s."id",
    s."amount",
    s."note",
    s."updated_at",
    s."deleted",
    s."_manifest_id",
    CASE
        WHEN t."id" IS NULL THEN 'new'
        WHEN FALSE THEN 'stale'
        ELSE 'known'
    END AS _state
FROM (
    SELECT
        "id",
        "amount",
        "note",
        "updated_at",
        "deleted",
        'abababababababababababababababababababababababababababababababab'::VARCHAR(64) AS _manifest_id
    FROM _stage_0
) AS s
LEFT JOIN "analytics"."nps" AS t
    ON t."id" = s."id"
QUALIFY ROW_NUMBER() OVER (PARTITION BY s."id" ORDER BY s."id") = 1;

-- What becomes of the rows of each file set: for the audit table, and for the task's result.
CREATE TEMP TABLE _counts AS
SELECT
    f.load_id,
    f.staged,
    f.staged - NVL(b.newest, 0) AS duplicates,
    NVL(b.stale, 0) AS stale,
    NVL(b.inserted, 0) AS inserted,
    NVL(b.updated, 0) AS updated,
    f.removed
FROM (
    SELECT
        'abababababababababababababababababababababababababababababababab'::VARCHAR(64) AS load_id,
        COUNT(*) AS staged,
        0 AS removed
    FROM _stage_0
) AS f
LEFT JOIN (
    SELECT
        _manifest_id,
        COUNT(*) AS newest,
        COUNT(CASE WHEN _state = 'stale' THEN 1 END) AS stale,
        COUNT(CASE WHEN _state = 'new' THEN 1 END) AS inserted,
        COUNT(CASE WHEN _state = 'known' THEN 1 END) AS updated
    FROM _batch
    GROUP BY _manifest_id
) AS b ON f.load_id = b._manifest_id;

DELETE FROM _batch WHERE _state = 'stale';

MERGE INTO "analytics"."nps"
USING _batch AS s
ON "analytics"."nps"."id" = s."id"
WHEN MATCHED THEN UPDATE SET
    "amount" = s."amount",
    "note" = s."note",
    "updated_at" = s."updated_at",
    "deleted" = s."deleted"
WHEN NOT MATCHED THEN INSERT (
    "id",
    "amount",
    "note",
    "updated_at",
    "deleted"
) VALUES (
    s."id",
    s."amount",
    s."note",
    s."updated_at",
    s."deleted"
);

-- Every staged key is in the target, once, at its order value or newer.
SELECT
    COUNT(CASE WHEN t."id" IS NULL THEN 1 END) AS missing,
    COUNT(CASE WHEN FALSE THEN 1 END) AS older,
    (
        SELECT COUNT(*) FROM (
            SELECT t."id"
            FROM "analytics"."nps" AS t
            INNER JOIN _batch AS s
                ON t."id" = s."id"
            GROUP BY t."id"
            HAVING COUNT(*) > 1
        ) AS r
    ) AS repeated
FROM (
    SELECT
        "id",
        "amount",
        "note",
        "updated_at",
        "deleted",
        'abababababababababababababababababababababababababababababababab'::VARCHAR(64) AS _manifest_id
    FROM _stage_0
) AS s
LEFT JOIN "analytics"."nps" AS t
    ON t."id" = s."id";

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
    'UPSERT',
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
