/* ---
description: Age, gender and destination of every user.
entity_key: id
quasi_identifiers: [age, gender]
sensitive: [country_destination]
--- */
SELECT id, age, gender, date_account_created, signup_method, country_destination
FROM users
ORDER BY id
LIMIT {{ params.row_limit }}
