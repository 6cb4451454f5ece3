-- What an earlier try may have left.
DROP TABLE IF EXISTS {{ beside }};
CREATE TABLE {{ beside }} AS
{{ query }}
