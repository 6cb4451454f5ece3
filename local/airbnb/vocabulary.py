"""The values in Kaggle's files, with how often they occur there, from which the generator draws."""

from __future__ import annotations

from typing import NamedTuple

GENDERS = {"-unknown-": 0.448, "FEMALE": 0.295, "MALE": 0.255, "OTHER": 0.002}
SIGNUP_METHODS = {"basic": 0.716, "facebook": 0.281, "google": 0.003}
LANGUAGES = {
    "en": 0.9665, "zh": 0.0076, "fr": 0.0055, "es": 0.0043, "ko": 0.0035, "de": 0.0034, "it": 0.0024, "ru": 0.0018,
    "pt": 0.0011, "ja": 0.0011, "sv": 0.0006, "nl": 0.0005, "tr": 0.0003, "da": 0.0003, "pl": 0.0003, "cs": 0.0002,
    "no": 0.0002, "el": 0.0001, "th": 0.0001, "fi": 0.0001,
}  # fmt: skip
AFFILIATE_CHANNELS = {
    "direct": 0.645, "sem-brand": 0.122, "sem-non-brand": 0.088, "other": 0.042, "seo": 0.041, "api": 0.038,
    "content": 0.019, "remarketing": 0.005,
}  # fmt: skip
# The provider follows from the channel: a search advertisement is never "direct".
AFFILIATE_PROVIDERS = {
    "direct": {"direct": 1.0},
    "sem-brand": {"google": 0.93, "bing": 0.06, "yahoo": 0.01},
    "sem-non-brand": {"google": 0.83, "bing": 0.04, "vast": 0.05, "padmapper": 0.04, "yahoo": 0.02, "gsp": 0.02},
    "other": {"other": 0.62, "craigslist": 0.22, "facebook": 0.1, "email-marketing": 0.03, "meetup": 0.03},
    "seo": {"google": 0.85, "facebook": 0.1, "bing": 0.03, "baidu": 0.01, "naver": 0.01},
    "api": {"other": 0.9, "facebook-open-graph": 0.1},
    "content": {"other": 0.35, "craigslist": 0.4, "google": 0.25},
    "remarketing": {"google": 0.97, "facebook": 0.03},
}
FIRST_AFFILIATES_TRACKED = {
    "untracked": 0.512, "linked": 0.217, "omg": 0.206, "tracked-other": 0.029, "": 0.028, "product": 0.007,
    "marketing": 0.001,
}  # fmt: skip
DEVICES = {
    "Mac Desktop": 0.42, "Windows Desktop": 0.341, "iPhone": 0.097, "iPad": 0.067, "Other/Unknown": 0.05,
    "Android Phone": 0.013, "Android Tablet": 0.006, "Desktop (Other)": 0.0055, "SmartPhone (Other)": 0.0005,
}  # fmt: skip
BROWSERS = {
    "Mac Desktop": {"Chrome": 0.43, "Safari": 0.38, "Firefox": 0.17, "-unknown-": 0.02},
    "Windows Desktop": {"Chrome": 0.42, "IE": 0.28, "Firefox": 0.26, "-unknown-": 0.03, "Opera": 0.01},
    "iPhone": {"Mobile Safari": 0.55, "-unknown-": 0.43, "Chrome Mobile": 0.02},
    "iPad": {"Mobile Safari": 0.7, "-unknown-": 0.27, "Chrome Mobile": 0.03},
    "Other/Unknown": {"-unknown-": 0.55, "Chrome": 0.25, "Firefox": 0.12, "Mobile Safari": 0.08},
    "Android Phone": {"Chrome Mobile": 0.42, "Android Browser": 0.28, "-unknown-": 0.3},
    "Android Tablet": {"Chrome Mobile": 0.4, "Android Browser": 0.25, "Silk": 0.1, "-unknown-": 0.25},
    "Desktop (Other)": {"Chrome": 0.45, "Firefox": 0.4, "Chromium": 0.1, "-unknown-": 0.05},
    "SmartPhone (Other)": {"BlackBerry Browser": 0.5, "IE Mobile": 0.3, "-unknown-": 0.2},
}
APPS = {
    "Mac Desktop": {"Web": 0.99, "iOS": 0.01},
    "Windows Desktop": {"Web": 0.995, "Android": 0.005},
    "iPhone": {"iOS": 0.63, "Moweb": 0.21, "Web": 0.16},
    "iPad": {"Web": 0.62, "iOS": 0.37, "Moweb": 0.01},
    "Other/Unknown": {"Web": 0.62, "Android": 0.3, "iOS": 0.05, "Moweb": 0.03},
    "Android Phone": {"Android": 0.45, "Moweb": 0.4, "Web": 0.15},
    "Android Tablet": {"Android": 0.4, "Web": 0.5, "Moweb": 0.1},
    "Desktop (Other)": {"Web": 1.0},
    "SmartPhone (Other)": {"Moweb": 0.7, "Web": 0.3},
}
SIGNUP_FLOWS = {
    "Web": {0: 0.88, 3: 0.05, 2: 0.035, 24: 0.015, 1: 0.01, 6: 0.005, 8: 0.004, 21: 0.001},
    "iOS": {25: 0.72, 12: 0.24, 0: 0.04},
    "Android": {23: 0.5, 12: 0.4, 0: 0.1},
    "Moweb": {0: 0.9, 12: 0.1},
}
# What the session log calls the device that the user table calls by the name on the left.
SESSION_DEVICES = {
    "Mac Desktop": "Mac Desktop",
    "Windows Desktop": "Windows Desktop",
    "iPhone": "iPhone",
    "iPad": "iPad Tablet",
    "Other/Unknown": "-unknown-",
    "Android Phone": "Android Phone",
    "Android Tablet": "Tablet",
    "Desktop (Other)": "Linux Desktop",
    "SmartPhone (Other)": "Android App Unknown Phone/Tablet",
}
DESTINATIONS = {
    "NDF": 0.583, "US": 0.292, "other": 0.047, "FR": 0.0235, "IT": 0.0133, "GB": 0.0109, "ES": 0.0105, "CA": 0.0067,
    "DE": 0.005, "NL": 0.0036, "AU": 0.0025, "PT": 0.001,
}  # fmt: skip
HOME_DESTINATION = {"fr": "FR", "it": "IT", "es": "ES", "de": "DE", "nl": "NL", "pt": "PT"}

COUNTRIES = (
    # country, latitude, longitude, distance_km, destination_km2, language, language_levenshtein_distance
    ("AU", -26.853388, 133.27516, 15297.744, 7741220.0, "eng", 0.0),
    ("CA", 62.393303, -96.818146, 2828.1333, 9984670.0, "eng", 0.0),
    ("DE", 51.165707, 10.452764, 7879.568, 357022.0, "deu", 72.61),
    ("ES", 39.896027, -2.4876945, 7730.724, 505370.0, "spa", 92.25),
    ("FR", 46.232193, 2.209667, 7682.945, 643801.0, "fra", 92.06),
    ("GB", 54.63322, -3.4322774, 6883.659, 243610.0, "eng", 0.0),
    ("IT", 41.87399, 12.564167, 8636.631, 301340.0, "ita", 89.4),
    ("NL", 52.133057, 5.29525, 7524.3203, 41543.0, "nld", 63.22),
    ("PT", 39.553444, -7.839319, 7355.2534, 92090.0, "por", 95.45),
    ("US", 36.966427, -95.84403, 0.0, 9826675.0, "eng", 0.0),
)
POPULATION_MILLIONS = {
    "AU": 24, "CA": 36, "DE": 81, "ES": 46, "FR": 64, "GB": 65, "IT": 60, "NL": 17, "PT": 10, "US": 322,
}  # fmt: skip


class Action(NamedTuple):
    """One (action, action_type, action_detail) of the session log; None is an empty field there."""

    group: str
    weight: float
    typical_seconds: float
    action: str | None
    action_type: str | None
    action_detail: str | None


UNKNOWN = "-unknown-"
# Groups are what a user's interests raise or lower; weights compare actions of one group.
ACTIONS = (
    Action("browse", 13.0, 3000, "show", "view", "p3"),
    Action("browse", 7.0, 2600, "search_results", "click", "view_search_results"),
    Action("browse", 5.0, 4200, "search", "click", "view_search_results"),
    Action("browse", 4.2, 1500, "index", "view", "view_search_results"),
    Action("browse", 4.6, 900, "ajax_refresh_subtotal", "click", "change_trip_characteristics"),
    Action("browse", 3.4, 500, "similar_listings", "data", "similar_listings"),
    Action("browse", 3.0, 250, "reviews", "data", "listing_reviews"),
    Action("browse", 1.6, 120, "similar_listings_v2", None, None),
    Action("browse", 0.8, 1800, "ajax_google_translate_reviews", "click", "translate_listing_reviews"),
    Action("browse", 0.5, 800, "show", "view", "wishlist"),
    Action("browse", 0.4, 400, "popular", "view", "popular_wishlists"),
    Action("data", 6.7, 600, "personalize", "data", "wishlist_content_update"),
    Action("data", 5.5, 90, "show", None, None),
    Action("data", 3.2, 300, "social_connections", "data", "user_social_connections"),
    Action("data", 1.7, 250, "index", None, None),
    Action("data", 1.5, 60, "lookup", None, None),
    Action("data", 1.3, 400, "header_userpic", "data", "header_userpic"),
    Action("data", 0.8, 70, "track_page_view", None, None),
    Action("data", 0.4, 100, "campaigns", None, None),
    Action("data", 0.3, 500, "unavailabilities", "data", "unavailable_dates"),
    Action("account", 3.2, 1200, "show", "view", "user_profile"),
    Action("account", 1.4, 2200, "dashboard", "view", "dashboard"),
    Action("account", 1.0, 1500, "edit", "view", "edit_profile"),
    Action("account", 0.9, 700, "create", "submit", "create_user"),
    Action("account", 0.8, 900, "update", "submit", "update_user_profile"),
    Action("account", 0.7, 400, "authenticate", "submit", "login"),
    Action("account", 0.6, 7000, "confirm_email", "click", "confirm_email_link"),
    Action("account", 0.5, 300, "signup_login", "view", "signup_login_page"),
    Action("account", 0.4, 5000, "notifications", "view", "account_notification_settings"),
    Action("account", 0.2, 50, "callback", "partner_callback", "oauth_response"),
    Action("account", 0.1, 600, "forgot_password", "click", "forgot_password"),
    Action("unknown", 1.8, 4000, "active", UNKNOWN, UNKNOWN),
    Action("unknown", 1.7, 800, "show", UNKNOWN, UNKNOWN),
    Action("unknown", 1.2, 300, "update", UNKNOWN, UNKNOWN),
    Action("unknown", 1.1, 500, "index", UNKNOWN, UNKNOWN),
    Action("unknown", 0.9, 250, "create", UNKNOWN, UNKNOWN),
    Action("unknown", 0.8, 1500, "verify", UNKNOWN, UNKNOWN),
    Action("unknown", 0.4, 200, "other_hosting_reviews_first", UNKNOWN, UNKNOWN),
    Action("checkout", 1.2, 5000, "ask_question", "submit", "contact_host"),
    Action("checkout", 0.9, 1700, "ajax_check_dates", "click", "change_contact_host_dates"),
    Action("checkout", 0.8, 300, None, "message_post", "message_post"),
    Action("checkout", 0.6, 4500, "requested", "view", "p5"),
    Action("checkout", 0.6, 2500, "qt2", "view", "message_thread"),
    Action("checkout", 0.5, 1200, "click", "click", "book_it"),
    Action("checkout", 0.5, 900, "requested", "submit", "post_checkout_action"),
    Action("checkout", 0.45, 1100, "pending", "booking_request", "pending"),
    Action("checkout", 0.4, 3500, "travel_plans_current", "view", "your_trips"),
    Action("checkout", 0.35, 800, "payment_instruments", "data", "payment_instruments"),
    Action("checkout", 0.3, 600, "apply_coupon_click", "click", "apply_coupon_click"),
    Action("checkout", 0.25, 1600, "click", "click", "complete_booking"),
    Action("checkout", 0.2, 2400, "itinerary", "view", "guest_itinerary"),
    Action("checkout", 0.05, 700, "at_checkpoint", "booking_request", "at_checkpoint"),
    Action("checkout", 0.02, 2000, "patch", "modify", "modify_reservations"),
    Action("checkout", 0.0005, 900, "booking", "booking_response", "booking"),
    Action("host", 3.4, 1100, "update", "submit", "update_listing"),
    Action("host", 0.9, 1800, "manage_listing", "view", "manage_listing"),
    Action("host", 0.6, 2600, "create", "submit", "create_listing"),
    Action("host", 0.5, 1500, "my_listings", "view", "your_reservations"),
    Action("host", 0.3, 900, "update", "submit", "update_listing_description"),
    Action("host", 0.2, 1300, "new", "view", "list_your_space"),
)
