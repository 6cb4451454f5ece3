-- Everything may be NULL here, so that a NULL in the key is counted and named rather than hit upon.
CREATE TEMP TABLE _stage_0 (
    "Select" INTEGER,
    "a ""b""" VARCHAR(8),
    "100%" SUPER,
    "changed at" TIMESTAMP,
    "gone" BOOLEAN
);

COPY _stage_0
FROM 's3://lake/it''s/manifest.json'
IAM_ROLE 'arn:aws:iam::000000000000:role/redshift-copy'
MANIFEST
FORMAT AS PARQUET;

-- What was loaded, to be held against what the extract counted in MySQL.
SELECT
    COUNT(*),
    COUNT(CASE WHEN "Select" IS NULL OR "a ""b""" IS NULL OR "changed at" IS NULL THEN 1 END)
FROM _stage_0;

SELECT COUNT(*) FROM (
    SELECT "Select", "a ""b"""
    FROM (
        SELECT
            "Select",
    "a ""b""",
    "100%",
    "changed at",
    "gone",
            RANK() OVER (PARTITION BY "Select", "a ""b""" ORDER BY "changed at" DESC) AS _rank
        FROM _stage_0
    ) AS s
    WHERE _rank = 1
    GROUP BY "Select", "a ""b"""
    HAVING
        COUNT(*) > 1
        AND (COUNT(DISTINCT JSON_SERIALIZE("100%")) > 1 OR COUNT(JSON_SERIALIZE("100%")) NOT IN (0, COUNT(*)) OR COUNT(DISTINCT "changed at") > 1 OR COUNT("changed at") NOT IN (0, COUNT(*)) OR COUNT(DISTINCT "gone") > 1 OR COUNT("gone") NOT IN (0, COUNT(*)))
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

CREATE SCHEMA IF NOT EXISTS "My Schema";

CREATE TABLE IF NOT EXISTS "My Schema"."the ""order""" (
    "Select" INTEGER NOT NULL,
    "a ""b""" VARCHAR(8) NOT NULL,
    "100%" SUPER,
    "changed at" TIMESTAMP NOT NULL,
    "gone" BOOLEAN,
    "_extracted_at" TIMESTAMP NOT NULL,
    "_manifest_id" VARCHAR(36) NOT NULL,
    PRIMARY KEY ("Select", "a ""b""")
)
DISTSTYLE AUTO
SORTKEY AUTO;

-- Not bound to the table, so that the table's columns can be altered under it.
CREATE OR REPLACE VIEW "My Schema"."the ""order""_live" AS
SELECT
    "Select",
    "a ""b""",
    "100%",
    "changed at",
    "gone"
FROM "My Schema"."the ""order"""
WHERE NOT NVL("gone", FALSE)
WITH NO SCHEMA BINDING;

BEGIN;

-- First in the transaction: snapshot isolation lets two loads insert the same new key, and neither gets error 1023.
LOCK TABLE "My Schema"."the ""order""";

-- The newest row of each key, and how it stands to the target's. MERGE refuses a source row that matches twice.
CREATE TEMP TABLE _batch AS
SELECT
    s."Select",
    s."a ""b""",
    s."100%",
    s."changed at",
    s."gone",
    s."_extracted_at",
    s."_manifest_id",
    CASE
        WHEN t."Select" IS NULL THEN 'new'
        WHEN (t."changed at" > s."changed at") OR (t."changed at" = s."changed at" AND t."_extracted_at" > s."_extracted_at") THEN 'stale'
        ELSE 'known'
    END AS _state
FROM (
    SELECT
        "Select",
        "a ""b""",
        "100%",
        "changed at",
        "gone",
        '2021-09-17 00:05:02.123456'::TIMESTAMP AS _extracted_at,
        '0f9c4f0e-3c0c-4f1d-9d55-2f1f8a2f7c10'::VARCHAR(64) AS _manifest_id
    FROM _stage_0
) AS s
LEFT JOIN "My Schema"."the ""order""" AS t
    ON t."Select" = s."Select"
    AND t."a ""b""" = s."a ""b"""
QUALIFY ROW_NUMBER() OVER (PARTITION BY s."Select", s."a ""b""" ORDER BY s."changed at" DESC, s."_extracted_at" DESC) = 1;

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

MERGE INTO "My Schema"."the ""order"""
USING _batch AS s
ON "My Schema"."the ""order"""."Select" = s."Select"
    AND "My Schema"."the ""order"""."a ""b""" = s."a ""b"""
WHEN MATCHED THEN UPDATE SET
    "100%" = s."100%",
    "changed at" = s."changed at",
    "gone" = s."gone",
    "_extracted_at" = s."_extracted_at",
    "_manifest_id" = s."_manifest_id"
WHEN NOT MATCHED THEN INSERT (
    "Select",
    "a ""b""",
    "100%",
    "changed at",
    "gone",
    "_extracted_at",
    "_manifest_id"
) VALUES (
    s."Select",
    s."a ""b""",
    s."100%",
    s."changed at",
    s."gone",
    s."_extracted_at",
    s."_manifest_id"
);

-- Every staged key is in the target, once, at its order value or newer.
SELECT
    COUNT(CASE WHEN t."Select" IS NULL THEN 1 END) AS missing,
    COUNT(CASE WHEN (s."changed at" > t."changed at") OR (s."changed at" = t."changed at" AND s."_extracted_at" > t."_extracted_at") THEN 1 END) AS older,
    (
        SELECT COUNT(*) FROM (
            SELECT t."Select", t."a ""b"""
            FROM "My Schema"."the ""order""" AS t
            INNER JOIN _batch AS s
                ON t."Select" = s."Select"
    AND t."a ""b""" = s."a ""b"""
            GROUP BY t."Select", t."a ""b"""
            HAVING COUNT(*) > 1
        ) AS r
    ) AS repeated
FROM (
    SELECT
        "Select",
        "a ""b""",
        "100%",
        "changed at",
        "gone",
        '2021-09-17 00:05:02.123456'::TIMESTAMP AS _extracted_at,
        '0f9c4f0e-3c0c-4f1d-9d55-2f1f8a2f7c10'::VARCHAR(64) AS _manifest_id
    FROM _stage_0
) AS s
LEFT JOIN "My Schema"."the ""order""" AS t
    ON t."Select" = s."Select"
    AND t."a ""b""" = s."a ""b""";

-- One row per manifest and target: a retry after a COMMIT whose answer was lost adds none. The lock on the target makes
-- the look and the insert one step.
INSERT INTO "audit"."loads" (
    load_id, target, schema_version, method, source, url, window_start, window_end, extracted_at, loaded_at, loaded_by,
    staged, duplicates, stale, inserted, updated, removed
)
SELECT
    '0f9c4f0e-3c0c-4f1d-9d55-2f1f8a2f7c10',
    'My Schema.the "order"',
    1,
    'UPSERT',
    'prod.nps',
    's3://lake/it''s/manifest.json',
    '2021-09-16 00:05:02.123456'::TIMESTAMP,
    '2021-09-17 00:05:02.123456'::TIMESTAMP,
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
        WHERE a.load_id = '0f9c4f0e-3c0c-4f1d-9d55-2f1f8a2f7c10' AND a.target = 'My Schema.the "order"'
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
