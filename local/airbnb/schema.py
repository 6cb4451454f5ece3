"""Names and columns of the four tables, as in Kaggle's files and in sql/bookings/tables.sql."""

from __future__ import annotations

USERS = (
    "id",
    "date_account_created",
    "timestamp_first_active",
    "date_first_booking",
    "gender",
    "age",
    "signup_method",
    "signup_flow",
    "language",
    "affiliate_channel",
    "affiliate_provider",
    "first_affiliate_tracked",
    "signup_app",
    "first_device_type",
    "first_browser",
    "country_destination",
)
SESSIONS = ("user_id", "action", "action_type", "action_detail", "device_type", "secs_elapsed")
COUNTRIES = (
    "country_destination",
    "lat_destination",
    "lng_destination",
    "distance_km",
    "destination_km2",
    "destination_language",
    "language_levenshtein_distance",
)
AGE_GENDER_BKTS = ("age_bucket", "country_destination", "gender", "population_in_thousands", "year")
