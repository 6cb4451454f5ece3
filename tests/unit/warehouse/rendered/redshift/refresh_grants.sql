-- Everything may be NULL here, so that a NULL in the key is counted and named rather than hit upon.
CREATE TEMP TABLE _stage_0 (
    "id" BIGINT,
    "amount" DECIMAL(12,2),
    "note" VARCHAR(40),
    "updated_at" TIMESTAMP,
    "deleted" SMALLINT
);

COPY _stage_0 ("id", "amount", "note", "updated_at", "deleted")
FROM 's3://lake/mysql/prod.nps/0/manifest.json'
IAM_ROLE 'arn:aws:iam::000000000000:role/redshift-copy'
MANIFEST
FORMAT AS CSV
NULL AS 'NULL_0123456789abcdef'
DATEFORMAT 'auto'
GZIP;

-- What was loaded, to be held against what the extract counted in MySQL.
SELECT
    COUNT(*),
    COUNT(CASE WHEN "id" IS NULL OR "updated_at" IS NULL THEN 1 END),
    COUNT("id"),
    COUNT("amount"),
    SUM("id"::DECIMAL(38,0)),
    SUM("amount"::DECIMAL(38,2))
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

CREATE SCHEMA IF NOT EXISTS "analytics";

CREATE TABLE IF NOT EXISTS "analytics"."nps" (
    "id" BIGINT NOT NULL,
    "amount" DECIMAL(12,2),
    "note" VARCHAR(40),
    "updated_at" TIMESTAMP NOT NULL,
    "deleted" SMALLINT,
    "_extracted_at" TIMESTAMP NOT NULL,
    "_manifest_id" VARCHAR(36) NOT NULL,
    PRIMARY KEY ("id")
)
DISTSTYLE AUTO
SORTKEY AUTO;

-- Not bound to the table, so that the table's columns can be altered under it.
CREATE OR REPLACE VIEW "analytics"."nps_live" AS
SELECT
    "id",
    "amount",
    "updated_at",
    "deleted"
FROM "analytics"."nps"
WHERE NVL("deleted", 0) = 0
WITH NO SCHEMA BINDING;

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
    s."_extracted_at",
    s."_manifest_id",
    CASE
        WHEN t."id" IS NULL THEN 'new'
        WHEN t._extracted_at > s._extracted_at THEN 'stale'
        ELSE 'known'
    END AS _state
FROM (
    SELECT
        "id",
        "amount",
        "note",
        "updated_at",
        "deleted",
        '2021-09-17 00:05:02.123456'::TIMESTAMP AS _extracted_at,
        '0f9c4f0e-3c0c-4f1d-9d55-2f1f8a2f7c10'::VARCHAR(64) AS _manifest_id
    FROM _stage_0
) AS s
LEFT JOIN "analytics"."nps" AS t
    ON t."id" = s."id"
QUALIFY ROW_NUMBER() OVER (PARTITION BY s."id" ORDER BY s."updated_at" DESC, s."_extracted_at" DESC) = 1;

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
        '0f9c4f0e-3c0c-4f1d-9d55-2f1f8a2f7c10'::VARCHAR(64) AS load_id,
        COUNT(*) AS staged,
        (SELECT COUNT(*) FROM "analytics"."nps" AS t LEFT JOIN _batch AS s ON t."id" = s."id" WHERE (t._extracted_at <= '2021-09-17 00:05:02.123456'::TIMESTAMP) AND NVL(t."deleted", 0) = 0 AND s."id" IS NULL) AS removed
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

-- Rows that the batch replaces.
DELETE FROM "analytics"."nps" USING _batch AS s
WHERE
    "analytics"."nps"."id" = s."id";

-- Live rows that the source had no more when it was read. Tombstones stay: without them an older load could bring the
-- row back.
DELETE FROM "analytics"."nps"
WHERE
    ((_extracted_at <= '2021-09-17 00:05:02.123456'::TIMESTAMP))
    AND NVL("deleted", 0) = 0;

INSERT INTO "analytics"."nps" (
    "id",
    "amount",
    "note",
    "updated_at",
    "deleted",
    "_extracted_at",
    "_manifest_id"
)
SELECT
    s."id",
    s."amount",
    s."note",
    s."updated_at",
    s."deleted",
    s."_extracted_at",
    s."_manifest_id"
FROM _batch AS s;

-- Every staged key is in the target, once, at its order value or newer.
SELECT
    COUNT(CASE WHEN t."id" IS NULL THEN 1 END) AS missing,
    COUNT(CASE WHEN s._extracted_at > t._extracted_at THEN 1 END) AS older,
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
        '2021-09-17 00:05:02.123456'::TIMESTAMP AS _extracted_at,
        '0f9c4f0e-3c0c-4f1d-9d55-2f1f8a2f7c10'::VARCHAR(64) AS _manifest_id
    FROM _stage_0
) AS s
LEFT JOIN "analytics"."nps" AS t
    ON t."id" = s."id";

REVOKE SELECT ON "analytics"."nps" FROM ROLE "analysts";

GRANT SELECT ("id", "amount", "updated_at", "deleted", "_extracted_at", "_manifest_id") ON "analytics"."nps" TO ROLE "analysts";

REVOKE SELECT ON "analytics"."nps" FROM GROUP "bi";

GRANT SELECT ("id", "amount", "updated_at", "deleted", "_extracted_at", "_manifest_id") ON "analytics"."nps" TO GROUP "bi";

REVOKE SELECT ON "analytics"."nps" FROM "Jane ""J""";

GRANT SELECT ("id", "amount", "updated_at", "deleted", "_extracted_at", "_manifest_id") ON "analytics"."nps" TO "Jane ""J""";

REVOKE SELECT ON "analytics"."nps" FROM PUBLIC;

GRANT SELECT ("id", "amount", "updated_at", "deleted", "_extracted_at", "_manifest_id") ON "analytics"."nps" TO PUBLIC;

GRANT SELECT ON "analytics"."nps_live" TO ROLE "analysts";

GRANT SELECT ON "analytics"."nps_live" TO GROUP "bi";

GRANT SELECT ON "analytics"."nps_live" TO "Jane ""J""";

GRANT SELECT ON "analytics"."nps_live" TO PUBLIC;

-- One row per manifest and target: a retry after a COMMIT whose answer was lost adds none. The lock on the target makes
-- the look and the insert one step.
INSERT INTO "audit"."loads" (
    load_id, target, schema_version, method, source, url, window_start, window_end, extracted_at, loaded_at, loaded_by,
    staged, duplicates, stale, inserted, updated, removed
)
SELECT
    '0f9c4f0e-3c0c-4f1d-9d55-2f1f8a2f7c10',
    'analytics.nps',
    1,
    'REPLACE',
    'prod.nps',
    's3://lake/mysql/prod.nps/0/manifest.json',
    NULL::TIMESTAMP,
    NULL::TIMESTAMP,
    '2021-09-17 00:05:02.123456'::TIMESTAMP,
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
    c.load_id = '0f9c4f0e-3c0c-4f1d-9d55-2f1f8a2f7c10'
    AND NOT EXISTS (
        SELECT 1 FROM "audit"."loads" AS a
        WHERE a.load_id = '0f9c4f0e-3c0c-4f1d-9d55-2f1f8a2f7c10' AND a.target = 'analytics.nps'
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
