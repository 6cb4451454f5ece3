/* ---
description: live answers have no time, or no score between 0 and 10
level: fail
target: analytics.nps
--- */
SELECT COUNT(*)
FROM analytics.nps_live
WHERE created_at IS NULL OR score IS NULL OR score NOT BETWEEN 0 AND 10
