BEGIN;

-- First in the transaction: snapshot isolation lets two loads insert the same new key, and neither gets error 1023.
LOCK TABLE "analytics"."nps";

DROP VIEW IF EXISTS "analytics"."nps_live";

-- Not bound to the table, so that the table's columns can be altered under it.
CREATE OR REPLACE VIEW "analytics"."nps_live" AS
SELECT
    "id",
    "deleted"
FROM "analytics"."nps"
WHERE NVL("deleted", 0) = 0
WITH NO SCHEMA BINDING;
