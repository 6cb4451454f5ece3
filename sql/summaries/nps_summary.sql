/* ---
description: Net promoter score by day and by month, of answers that were not deleted.
target: analytics.nps_summary
asset: warehouse/nps
inputs: [analytics.nps]
key: [grain, period_start]
ranges: {nps: [-100, 100], answers: [1, null]}
grants: [role analysts]
--- */

-- NPS = share of promoters (9, 10) minus share of detractors (0 to 6), in points. The passive (7, 8) count as answers,
-- so a day of passive answers alone is 0, which is not NULL.

WITH answers AS (
    SELECT
        created_at,
        CASE WHEN score >= 9 THEN 1 WHEN score <= 6 THEN -1 ELSE 0 END AS vote
    FROM analytics.nps_live
),

periods AS (
    SELECT
        'day' AS grain,
        CAST(DATE_TRUNC('day', created_at) AS DATE) AS period_start,
        vote
    FROM answers
    UNION ALL
    SELECT
        'month' AS grain,
        CAST(DATE_TRUNC('month', created_at) AS DATE) AS period_start,
        vote
    FROM answers
)

SELECT
    grain,
    period_start,
    COUNT(*) AS answers,
    SUM(CASE WHEN vote = 1 THEN 1 ELSE 0 END) AS promoters,
    SUM(CASE WHEN vote = -1 THEN 1 ELSE 0 END) AS detractors,
    CAST(100.0 * SUM(vote) / COUNT(*) AS DECIMAL(5, 2)) AS nps
FROM periods
GROUP BY grain, period_start
