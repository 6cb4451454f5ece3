"""The session roll-ups against an independent computation over the same tables, value for value."""

from __future__ import annotations

import io
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import psycopg
import pytest

from local.airbnb.database import replace_tables
from local.airbnb.generator import generate
from synthetics.feature_query import FeatureQuery, read_feature_query

pytestmark = pytest.mark.integration

QUERY = Path(__file__).resolve().parents[3] / "sql" / "features" / "session_rollups__by_user.sql"
USERS, SEED = 3000, 11


@pytest.fixture(scope="module")
def dsn(postgres: Any) -> str:
    database = str(postgres.fresh_database("rollups"))
    replace_tables(database, generate(USERS, SEED))
    return database


@pytest.fixture(scope="module")
def source() -> dict[str, pd.DataFrame]:
    return {
        stream.table: pd.read_csv(io.BytesIO(b"".join(stream.chunks)), dtype=str, na_values=[""], keep_default_na=False)
        for stream in generate(USERS, SEED)
    }


def rollups(dsn: str, row_limit: int) -> list[dict[str, Any]]:
    query: FeatureQuery = read_feature_query(QUERY).render({"params": {"row_limit": row_limit}})
    with psycopg.connect(dsn, row_factory=psycopg.rows.dict_row) as connection:
        return connection.execute(query.sql).fetchall()


def rounded(value: Decimal) -> int:
    return int(value.quantize(Decimal(1), ROUND_HALF_UP))


def known(value: str) -> str | None:
    return None if pd.isna(value) or value == "-unknown-" else value


def expected_rollups(source: dict[str, pd.DataFrame]) -> list[dict[str, Any]]:
    sessions = dict(list(source["sessions"].dropna(subset=["user_id"]).groupby("user_id")))
    expected = []
    for user in source["users"].sort_values("id", key=lambda ids: ids.map(str.encode)).to_dict("records"):
        if user["id"] not in sessions:
            continue
        log = sessions[user["id"]]
        seconds = [Decimal(value) for value in log["secs_elapsed"].dropna()]
        age = None if pd.isna(user["age"]) else int(user["age"])
        expected.append(
            {
                "user_id": user["id"],
                "gender": known(user["gender"]),
                "age": age if age is not None and 18 <= age <= 100 else None,
                "language": known(user["language"]),
                "signup_method": user["signup_method"],
                "date_account_created": pd.Timestamp(user["date_account_created"]).date(),
                "first_device_type": user["first_device_type"],
                "number_of_actions_taken": len(log),
                "number_of_unique_actions": len({known(value) for value in log["action_type"]} - {None}),
                "avg_session_time_seconds": rounded(sum(seconds, Decimal()) / len(seconds)) if seconds else None,
                "min_session_time_seconds": rounded(min(seconds)) if seconds else None,
                "max_session_time_seconds": rounded(max(seconds)) if seconds else None,
                "total_bookings": int((log["action_type"] == "booking_request").sum()),
                "country_destination": user["country_destination"],
            }
        )
    return expected


def test_every_value_of_every_user(dsn: str, source: dict[str, pd.DataFrame]) -> None:
    expected = expected_rollups(source)
    assert 800 < len(expected) < USERS
    assert rollups(dsn, USERS) == expected


def test_bookings_are_each_users_own_and_add_up(dsn: str, source: dict[str, pd.DataFrame]) -> None:
    sessions = source["sessions"].dropna(subset=["user_id"])
    bookings = [row["total_bookings"] for row in rollups(dsn, USERS)]
    assert sum(bookings) == (sessions["action_type"] == "booking_request").sum()
    assert len(set(bookings)) > 3


def test_the_limit_takes_the_first_users_in_the_order_of_all(dsn: str) -> None:
    assert rollups(dsn, 100) == rollups(dsn, USERS)[:100]


def test_the_dirt_is_there_for_the_query_to_deal_with(dsn: str, source: dict[str, pd.DataFrame]) -> None:
    result = rollups(dsn, USERS)
    users = source["users"][source["users"]["id"].isin([row["user_id"] for row in result])]
    assert (users["gender"] == "-unknown-").sum() == sum(row["gender"] is None for row in result) > 0
    assert users["age"].astype(float).gt(100).any()
    assert source["sessions"]["user_id"].isna().any()
    assert source["sessions"]["secs_elapsed"].isna().any()


@pytest.mark.parametrize(
    ("log", "features"),
    [
        (  # no times at all
            [("view", None), (None, None)],
            {
                "number_of_actions_taken": 2,
                "number_of_unique_actions": 1,
                "avg_session_time_seconds": None,
                "total_bookings": 0,
            },
        ),
        (  # '-unknown-' is no action type; halves are rounded up
            [("-unknown-", "1"), ("booking_request", "2"), ("booking_request", None)],
            {
                "number_of_unique_actions": 1,
                "avg_session_time_seconds": 2,
                "max_session_time_seconds": 2,
                "total_bookings": 2,
            },
        ),
    ],
)
def test_users_with_odd_logs(postgres: Any, log: list[tuple[str | None, str | None]], features: dict[str, Any]) -> None:
    database = str(postgres.fresh_database("odd"))
    replace_tables(database, [])
    with psycopg.connect(database) as connection:
        connection.execute(
            "INSERT INTO users (id, date_account_created, timestamp_first_active, age) VALUES"
            " ('odd', '2014-01-01', 20140101000000, 38.5), ('silent', '2014-01-01', 20140101000000, 30)"
        )
        for user in ("odd", None, "nobody we know"):
            for action_type, seconds in log:
                connection.execute(
                    "INSERT INTO sessions (user_id, action_type, secs_elapsed) VALUES (%s, %s, %s)",
                    (user, action_type, seconds),
                )
    (row,) = rollups(database, 10)
    assert row | features == row
    assert (row["user_id"], row["age"]) == ("odd", 39)
