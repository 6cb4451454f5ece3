-- Values of which the two servers have no common text, each with a digest of its key.
SELECT
    {{ values }}
FROM {{ table }}
WHERE {{ where }}
