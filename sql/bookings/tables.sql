-- The source database of the example pipeline: Kaggle's "Airbnb New User Bookings", column for column.
-- Nothing here repairs the data: a feature query has to live with what production holds.

CREATE TABLE IF NOT EXISTS users (
    id text PRIMARY KEY,
    date_account_created date NOT NULL,
    timestamp_first_active bigint NOT NULL, -- YYYYMMDDHHMMSS, as Kaggle has it
    date_first_booking date, -- NULL: never booked
    gender text, -- '-unknown-' where the user did not say
    age numeric, -- whatever was typed in: 5, 105, 2014
    signup_method text,
    signup_flow integer,
    language text,
    affiliate_channel text,
    affiliate_provider text,
    first_affiliate_tracked text,
    signup_app text,
    first_device_type text,
    first_browser text,
    country_destination text -- 'NDF': no destination found. NULL in Kaggle's test file
);

-- No foreign key and no key of its own: some rows carry no user, and Kaggle gives no order of a user's actions.
CREATE TABLE IF NOT EXISTS sessions (
    user_id text,
    action text,
    action_type text,
    action_detail text,
    device_type text,
    secs_elapsed numeric
);

CREATE TABLE IF NOT EXISTS countries (
    country_destination text PRIMARY KEY,
    lat_destination numeric,
    lng_destination numeric,
    distance_km numeric,
    destination_km2 numeric,
    destination_language text,
    language_levenshtein_distance numeric
);

CREATE TABLE IF NOT EXISTS age_gender_bkts (
    age_bucket text,
    country_destination text,
    gender text,
    population_in_thousands numeric,
    year numeric
);
