-- What an earlier try may have left.
DROP TABLE IF EXISTS {{ beside }};
CREATE TABLE {{ beside }} AS
{{ query }};
-- Where the first one will be published; until then readers find it empty.
CREATE TABLE IF NOT EXISTS {{ target }} (LIKE {{ beside }})
