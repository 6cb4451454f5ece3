"""Generated bookings data: deterministic, of any size, and as uneven and dirty as Kaggle's."""

from __future__ import annotations

import io
import re
import tracemalloc

import numpy as np
import pandas as pd
import pytest

from local.airbnb import schema
from local.airbnb.generator import CHUNK, generate
from local.airbnb.users import user_ids


def tables(users: int, seed: int) -> dict[str, pd.DataFrame]:
    return {stream.table: pd.read_csv(io.BytesIO(b"".join(stream.chunks))) for stream in generate(users, seed)}


@pytest.fixture(scope="module")
def generated() -> dict[str, pd.DataFrame]:
    return tables(20_000, 7)


def test_columns_are_kaggles(generated: dict[str, pd.DataFrame]) -> None:
    assert tuple(generated["users"].columns) == schema.USERS
    assert tuple(generated["sessions"].columns) == schema.SESSIONS
    assert tuple(generated["countries"].columns) == schema.COUNTRIES
    assert tuple(generated["age_gender_bkts"].columns) == schema.AGE_GENDER_BKTS
    assert {name: len(table) for name, table in generated.items() if name != "sessions"} == {
        "users": 20_000,
        "countries": 10,
        "age_gender_bkts": 420,
    }


def test_the_seed_decides_every_byte() -> None:
    def bytes_of(seed: int) -> list[bytes]:
        return [b"".join(stream.chunks) for stream in generate(CHUNK + 700, seed)]

    assert bytes_of(3) == bytes_of(3)
    assert all(one != other for one, other in zip(bytes_of(3)[:2], bytes_of(4)[:2], strict=True))


def test_memory_is_that_of_one_chunk_whatever_the_size() -> None:
    def peak(users: int) -> int:
        tracemalloc.start()
        for stream in generate(users, 1):
            for _ in stream.chunks:
                pass
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    assert peak(3 * CHUNK) < 1.5 * peak(CHUNK)


def test_ids_are_ten_characters_and_never_repeat() -> None:
    ids = user_ids(np.arange(1_000_000, dtype=np.uint64), seed=99)
    assert len(np.unique(ids)) == 1_000_000
    assert all(re.fullmatch("[0-9a-z]{10}", str(user)) for user in ids[:1000])
    assert not np.isin(user_ids(np.arange(1000, dtype=np.uint64), seed=98), ids).any()


@pytest.mark.parametrize(("users", "seed"), [(0, 1), (5, -1)])
def test_impossible_sizes_are_refused(users: int, seed: int) -> None:
    with pytest.raises(ValueError, match="at least 1 user"):
        generate(users, seed)


def test_users_carry_kaggles_dirt(generated: dict[str, pd.DataFrame]) -> None:
    users = generated["users"]
    assert users["age"].isna().mean() == pytest.approx(0.42, abs=0.02)
    assert users["age"].eq(2014).sum() > 20
    assert users["age"].between(1, 17).sum() > 5
    assert users["gender"].eq("-unknown-").mean() == pytest.approx(0.448, abs=0.03)
    assert users["first_browser"].eq("-unknown-").any()
    assert users["first_affiliate_tracked"].isna().any()
    assert (users["date_first_booking"].isna() == users["country_destination"].eq("NDF")).all()
    assert users["country_destination"].eq("NDF").mean() == pytest.approx(0.583, abs=0.04)
    stamps = pd.to_datetime(users["timestamp_first_active"].astype(str), format="%Y%m%d%H%M%S")
    created = pd.to_datetime(users["date_account_created"])
    assert created.between("2010-01-01", "2014-06-30").all()
    same_day = stamps.dt.normalize() == created
    assert 0.99 < same_day.mean() < 1
    assert (stamps[~same_day] < created[~same_day]).all()


def test_sessions_carry_kaggles_dirt(generated: dict[str, pd.DataFrame]) -> None:
    users, sessions = generated["users"], generated["sessions"]
    assert sessions["user_id"].isna().mean() == pytest.approx(0.0033, rel=0.2)
    assert sessions["secs_elapsed"].isna().mean() == pytest.approx(0.013, rel=0.1)
    assert sessions["action_type"].eq("-unknown-").any()
    assert sessions["action_type"].isna().any()
    assert sessions["action"].isna().any()
    recorded = users.loc[users["id"].isin(sessions["user_id"]), "date_account_created"]
    assert recorded.min() >= "2014-01-01"
    assert len(recorded) / len(users) == pytest.approx(0.35, abs=0.03)
    assert sessions["user_id"].dropna().isin(users["id"]).all()


def test_times_and_activity_have_heavy_tails(generated: dict[str, pd.DataFrame]) -> None:
    seconds = generated["sessions"]["secs_elapsed"].dropna()
    assert seconds.between(0, 1_800_000).all()
    assert seconds.mean() > 10 * seconds.median()
    actions = generated["sessions"].groupby("user_id").size()
    assert actions.mean() > 1.4 * actions.median()
    assert actions.max() > 15 * actions.median()


def test_columns_depend_on_each_other_as_they_do_at_kaggle(generated: dict[str, pd.DataFrame]) -> None:
    users = generated["users"].assign(booked=generated["users"]["country_destination"] != "NDF")
    by_gender = users.groupby("gender")["booked"].mean()
    assert by_gender["-unknown-"] < 0.75 * by_gender["FEMALE"]
    by_device = users.groupby("first_device_type")["booked"].mean()
    assert by_device["iPhone"] < 0.8 * by_device["Mac Desktop"]
    age = users.loc[users["age"].between(18, 100)].groupby("first_device_type")["age"].mean()
    assert age["Windows Desktop"] > age["iPhone"] + 3
    age = users.loc[users["age"].between(18, 100)].groupby("country_destination")["age"].mean()
    assert age["GB"] > age["ES"] + 3
    log = generated["sessions"].merge(users[["id", "booked"]], left_on="user_id", right_on="id")
    requests = log["action_type"].eq("booking_request").groupby(log["booked"]).mean()
    assert requests[True] > 2 * requests[False]
    per_user = log.groupby(["booked", "user_id"]).size().groupby("booked").median()
    assert per_user[True] > 1.5 * per_user[False]
    assert users.loc[users["language"] == "fr", "country_destination"].eq("FR").mean() > 0.1
