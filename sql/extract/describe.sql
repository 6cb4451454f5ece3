-- Plans the feature query and returns its columns; LIMIT 0 stops before anything of it is executed.
SELECT *
FROM (
{{ query }}
) AS features
LIMIT 0
