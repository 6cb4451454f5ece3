/* ---
description: >
  One row per user with recorded sessions: who they are, how they used the site, what they booked.
entity_key: user_id
quasi_identifiers: [gender, age, language, date_account_created, first_device_type]
sensitive: [total_bookings, country_destination]
--- */

-- What is done about the data as production holds it:
--   sessions without a user belong to nobody and are left out;
--   users without sessions are left out: recording began in 2014, so nothing is known of them, which is not zero;
--   '-unknown-' becomes NULL, in the users' columns as among the action types;
--   ages are typed in by hand: below 18 (the terms of service) and above 100 (2014, birth years) becomes NULL;
--   actions without secs_elapsed count as actions and are left out of the times.
-- The limit takes users in the order of their id compared byte by byte: the same users whatever the server's locale.
-- Ids are random characters, so this is a random sample; with running numbers, order by md5(id) instead.

WITH session_features_by_user AS (
    SELECT
        user_id,
        count(*) AS number_of_actions_taken,
        count(DISTINCT nullif(action_type, '-unknown-')) AS number_of_unique_actions,
        round(avg(secs_elapsed))::bigint AS avg_session_time_seconds,
        round(min(secs_elapsed))::bigint AS min_session_time_seconds,
        round(max(secs_elapsed))::bigint AS max_session_time_seconds,
        count(*) FILTER (WHERE action_type = 'booking_request') AS total_bookings
    FROM sessions
    WHERE user_id IS NOT NULL
    GROUP BY user_id
)

SELECT
    u.id AS user_id,
    nullif(u.gender, '-unknown-') AS gender,
    CASE WHEN u.age BETWEEN 18 AND 100 THEN round(u.age)::integer END AS age,
    nullif(u.language, '-unknown-') AS language,
    u.signup_method,
    u.date_account_created,
    u.first_device_type,
    s.number_of_actions_taken,
    s.number_of_unique_actions,
    s.avg_session_time_seconds,
    s.min_session_time_seconds,
    s.max_session_time_seconds,
    s.total_bookings,
    u.country_destination
FROM session_features_by_user AS s
INNER JOIN users AS u ON s.user_id = u.id
ORDER BY u.id COLLATE "C" -- noqa: RF02
LIMIT {{ params.row_limit }}
