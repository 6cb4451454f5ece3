SELECT * FROM {{ view }} LIMIT 0
