-- Not in a transaction: Redshift refuses it there.
ALTER TABLE "analytics"."nps" ALTER COLUMN "note" TYPE VARCHAR(80);

DROP VIEW IF EXISTS "analytics"."nps_live";

BEGIN;

ALTER TABLE "analytics"."nps" ADD COLUMN "fresh" DATE;

-- Not bound to the table, so that the table's columns can be altered under it.
CREATE OR REPLACE VIEW "analytics"."nps_live" AS
SELECT
    "id",
    "note",
    "fresh"
FROM "analytics"."nps"
WHERE NVL("deleted", 0) = 0
WITH NO SCHEMA BINDING;
