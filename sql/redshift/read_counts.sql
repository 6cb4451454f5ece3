SELECT
    SUM(staged),
    SUM(duplicates),
    SUM(stale),
    SUM(inserted),
    SUM(updated),
    SUM(removed)
FROM _counts
