SELECT COUNT(*) FROM {{ stage }} WHERE {{ has_nulls }}
