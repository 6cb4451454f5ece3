-- Not bound to the table, so that the table's columns can be altered under it.
CREATE OR REPLACE VIEW {{ view }} AS
SELECT
    {{ columns }}
FROM {{ target }}
WHERE {{ live }}
WITH NO SCHEMA BINDING
