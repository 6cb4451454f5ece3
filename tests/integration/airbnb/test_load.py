"""Filling the bookings database: the same data every time, all of it or none, and errors that name the place."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import psycopg
import pytest

from local.airbnb.__main__ import main
from local.airbnb.database import LoadError, replace_tables
from local.airbnb.generator import generate
from local.airbnb.kaggle_files import open_directory

pytestmark = pytest.mark.integration

TABLES = ("users", "sessions", "countries", "age_gender_bkts")
TRAIN_USERS = """\
id,date_account_created,timestamp_first_active,date_first_booking,gender,age,signup_method,signup_flow,language,\
affiliate_channel,affiliate_provider,first_affiliate_tracked,signup_app,first_device_type,first_browser,country_destination
u1,2014-01-02,20140102040506,,-unknown-,,basic,0,en,direct,direct,untracked,Web,Mac Desktop,Chrome,NDF
u2,2014-03-04,20140304050607,2014-03-05,FEMALE,38.0,facebook,25,fr,seo,google,,iOS,iPhone,-unknown-,FR
u3,2013-03-04,20130304050607,2014-03-05,MALE,2014.0,basic,0,en,direct,direct,linked,Web,Windows Desktop,IE,other
"""
TEST_USERS = """\
id,date_account_created,timestamp_first_active,date_first_booking,gender,age,signup_method,signup_flow,language,\
affiliate_channel,affiliate_provider,first_affiliate_tracked,signup_app,first_device_type,first_browser
t1,2014-07-01,20140701000006,,FEMALE,35.0,facebook,0,en,direct,direct,untracked,Moweb,iPhone,Mobile Safari
"""
SESSIONS = """\
user_id,action,action_type,action_detail,device_type,secs_elapsed
u1,lookup,,,Mac Desktop,319.0
,show,view,p3,-unknown-,12.0
t1,pending,booking_request,pending,iPhone,
"""


@pytest.fixture
def dsn(postgres: Any) -> str:
    return str(postgres.fresh_database("bookings"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "train_users_2.csv").write_text(TRAIN_USERS)
    (tmp_path / "test_users.csv").write_text(TEST_USERS)
    with zipfile.ZipFile(tmp_path / "sessions.csv.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("sessions.csv", SESSIONS)
    return tmp_path


def fingerprint(dsn: str) -> dict[str, tuple[int, str]]:
    """Row count and checksum of every table, independent of the order of the rows."""
    with psycopg.connect(dsn) as connection:
        return {
            table: connection.execute(
                f"SELECT count(*), md5(string_agg(t::text, E'\\n' ORDER BY t::text COLLATE \"C\")) FROM {table} AS t"
            ).fetchall()[0]
            for table in TABLES
        }


def rows(dsn: str, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(dsn) as connection:
        return connection.execute(query).fetchall()


def test_generating_twice_gives_the_same_tables(dsn: str) -> None:
    assert main(["generate", "--users", "3000", "--seed", "5", "--dsn", dsn]) == 0
    first = fingerprint(dsn)
    assert first["users"][0] == 3000
    assert first["sessions"][0] > 30_000
    assert main(["generate", "--users", "3000", "--seed", "5", "--dsn", dsn]) == 0
    assert fingerprint(dsn) == first
    assert main(["generate", "--users", "3000", "--seed", "6", "--dsn", dsn]) == 0
    assert fingerprint(dsn)["users"][1] != first["users"][1]


def test_kaggles_files_arrive_value_for_value(dsn: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["load", str(folder), "--dsn", dsn]) == 0
    output = capsys.readouterr()
    assert "Loaded 4 users, 3 sessions" in output.out
    assert "table countries stays empty" in output.err
    assert rows(
        dsn, "SELECT id, timestamp_first_active, gender, age::text, country_destination FROM users ORDER BY id"
    ) == [
        ("t1", 20140701000006, "FEMALE", "35.0", None),
        ("u1", 20140102040506, "-unknown-", None, "NDF"),
        ("u2", 20140304050607, "FEMALE", "38.0", "FR"),
        ("u3", 20130304050607, "MALE", "2014.0", "other"),
    ]
    assert rows(dsn, "SELECT user_id, action_type, secs_elapsed::text FROM sessions ORDER BY action") == [
        ("u1", None, "319.0"),
        ("t1", "booking_request", None),
        (None, "view", "12.0"),
    ]
    assert rows(dsn, "SELECT indexname FROM pg_indexes WHERE tablename = 'sessions'") == [("sessions_user_id",)]


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("train_users_2.csv", ",38.0,", ",old,", 'line 3, column age: found "old", expected a number or nothing'),
        (
            "train_users_2.csv",
            "2014-03-04",
            "2014-13-04",
            'column date_account_created: found "2014-13-04", expected a date',
        ),
        ("train_users_2.csv", "20130304050607", "2013-03-04 05", "line 4, column timestamp_first_active: found"),
        ("train_users_2.csv", "u2,", "u1,", "line 3: duplicate key value violates unique constraint"),
        ("train_users_2.csv", ",FR\n", "\n", 'line 3: missing data for column "country_destination"'),
        ("test_users.csv", "Mobile Safari", "Mobile Safari,x", "line 2: extra data after last expected column"),
        ("test_users.csv", "t1,", "u1,", "line 2: duplicate key value"),
        ("test_users.csv", "t1,", ",", 'line 2: null value in column "id"'),
        ("test_users.csv", "t1,", "\0t1,", "line 2: invalid byte sequence"),
    ],
)
def test_wrong_values_are_named_and_change_nothing(
    dsn: str, folder: Path, capsys: pytest.CaptureFixture[str], file: str, old: str, new: str, message: str
) -> None:
    replace_tables(dsn, generate(200, seed=1))
    before = fingerprint(dsn)
    path = folder / file
    path.write_text(path.read_text().replace(old, new, 1))
    assert main(["load", str(folder), "--dsn", dsn]) == 1
    error = capsys.readouterr().err
    assert f"error: {path}, " in error
    assert message in error
    assert "Nothing was loaded" in error
    assert fingerprint(dsn) == before


def test_a_damaged_archive_changes_nothing(dsn: str, folder: Path) -> None:
    replace_tables(dsn, generate(200, seed=1))
    before = fingerprint(dsn)
    archive = folder / "sessions.csv.zip"
    with zipfile.ZipFile(archive, "w") as stored:
        stored.writestr("sessions.csv", SESSIONS + "u1,show,view,p3,iPhone,1.0\n" * 200_000)
    damaged = bytearray(archive.read_bytes())
    damaged[-2000:-1990] = b"x" * 10
    archive.write_bytes(bytes(damaged))
    with pytest.raises(LoadError, match="damaged"), open_directory(folder) as (streams, _):
        replace_tables(dsn, streams)
    assert fingerprint(dsn) == before


def test_an_interrupted_load_leaves_the_previous_state(dsn: str) -> None:
    replace_tables(dsn, generate(200, seed=1))
    before = fingerprint(dsn)
    load = subprocess.Popen([sys.executable, "-m", "local.airbnb", "generate", "--users", "500000", "--dsn", dsn])
    with psycopg.connect(dsn, autocommit=True) as observer:
        copying = (
            "SELECT count(*) FROM pg_stat_progress_copy WHERE datname = current_database() AND tuples_processed > 5000"
        )
        while observer.execute(copying).fetchall() == [(0,)]:
            assert load.poll() is None
        os.kill(load.pid, signal.SIGKILL)
        load.wait(30)
        others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        while observer.execute(others).fetchall() != [(0,)]:
            pass
    assert fingerprint(dsn) == before


def test_a_database_that_is_not_given_or_not_there_is_explained(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("BOOKINGS_DSN", raising=False)
    assert main(["generate"]) == 1
    assert "pass --dsn" in capsys.readouterr().err
    assert main(["generate", "--dsn", "postgresql://nobody@127.0.0.1:1/nothing"]) == 1
    assert "cannot reach the database" in capsys.readouterr().err
