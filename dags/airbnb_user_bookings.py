"""### Synthetic Airbnb bookings, one row per user.

Rolls up each user's sessions with SQL (`sql/features/session_rollups__by_user.sql`), trains a synthetic model on the
result through Gretel's API and releases synthetic users to S3 that data scientists can work with freely.

**When to use it:** to hand out a fresh data set, at any time: press *Trigger* and choose rows and model.

**When it fails:** the failing task's log ends with what to do. Nothing is released unless every task before
`upload_synthetic_features` succeeded; a failed task can simply be cleared.

**What comes out:** `released/gretel_synthetics_airbnb_bookings/<run>/` in the bucket of `aws_default`, with the data,
the quality report and `manifest.json`, which is written last.
"""

# Airflow reads a file only if it mentions both "airflow" and "dag".
from factories.synthetic_features import synthetic_features

synthetic_features(
    "gretel_synthetics_airbnb_bookings",
    doc_md=__doc__,
    owner="data-science",
    sql_file="session_rollups__by_user.sql",
)
