/* ---
description: months have other answers, promoters or detractors than their days together
level: fail
target: analytics.nps_summary
--- */
SELECT COUNT(*)
FROM (
    SELECT
        DATE_TRUNC('month', period_start) AS period_month,
        SUM(CASE WHEN grain = 'day' THEN answers ELSE -answers END) AS answers,
        SUM(CASE WHEN grain = 'day' THEN promoters ELSE -promoters END) AS promoters,
        SUM(CASE WHEN grain = 'day' THEN detractors ELSE -detractors END) AS detractors
    FROM {{ target }}
    GROUP BY DATE_TRUNC('month', period_start)
) AS balance
WHERE answers <> 0 OR promoters <> 0 OR detractors <> 0
