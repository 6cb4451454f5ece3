"""What an extract relies on in MySQL: every type as text exactly, one snapshot, windows, zero dates, few rights."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.conformance.mysql.conftest import is_mysql
from tests.integration.warehouse.conftest import Lake, Source
from tests.support.mysql_types import CASES, FORMATS, JSON, MARIADB_CASES, Case, fill, moment
from warehouse.config import TableConfig
from warehouse.errors import ConfigError, SourceDataError
from warehouse.extract import Written
from warehouse.key_ranges import plan_key_ranges
from warehouse.snapshot import open_snapshot
from warehouse.window import Window

pytestmark = pytest.mark.integration

Configure = Callable[..., TableConfig]
Extract = Callable[..., Written]
DAY = Window(datetime(2021, 9, 16, tzinfo=UTC), datetime(2021, 9, 17, tzinfo=UTC))


def require_exact(case: Case, source: Source, lake: Lake, configure: Configure, extract: Extract) -> None:
    expected = fill(source, case)
    for output, keys in FORMATS.items():
        written = extract(configure("t", types=case.choice, **keys))
        found = {row[0]: row[1] for row in lake.rows(written)}
        assert (case.name, output, found) == (case.name, output, expected)
        assert list(map(repr, found.values())) == list(map(repr, expected.values()))  # types and decimal places too
        assert lake.manifest(written)["extract"]["columns"][1]["type"] == case.type


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_values_arrive_exactly(case: Case, source: Source, lake: Lake, configure: Configure, extract: Extract) -> None:
    require_exact(case, source, lake, configure, extract)


def test_so_do_those_of_types_that_only_this_server_has(
    source: Source, lake: Lake, configure: Configure, extract: Extract
) -> None:
    own = [Case("varchar(60) collate utf8mb4_0900_ai_ci", "VARCHAR(240)", {"'Ærø 😀\"'": 'Ærø 😀"'})]
    for case in own if is_mysql(source) else MARIADB_CASES:
        require_exact(case, source, lake, configure, extract)


def test_json_becomes_super(source: Source, lake: Lake, configure: Configure, extract: Extract) -> None:
    fill(source, Case("json", "SUPER", JSON))
    written = extract(configure("t"))
    assert lake.manifest(written)["extract"]["columns"][1]["type"] == "SUPER"
    assert [row[1] for row in sorted(lake.rows(written))] == [*JSON.values(), None]


def test_json_as_text_is_what_the_server_shows(
    source: Source, lake: Lake, configure: Configure, extract: Extract
) -> None:
    fill(source, Case("json", "VARCHAR(65535)", {"""'{ "b":1.0,  "a":2 }'""": None}))
    written = extract(configure("t", types={"v": "varchar"}))
    # MySQL keeps JSON in a form of its own, MariaDB as text.
    shown = '{"a": 2, "b": 1.0}' if is_mysql(source) else '{ "b":1.0,  "a":2 }'
    assert [row[1] for row in sorted(lake.rows(written))] == [shown, None]


def test_a_snapshot_sees_nothing_that_is_committed_later(
    source: Source, reader: Callable[[], Any], configure: Configure
) -> None:
    fill(source, Case("int", "INTEGER", {"1": 1, "2": 2}))
    state = f"SELECT COUNT(*), SUM(v) FROM {source.database}.t"
    with open_snapshot(reader, configure("t"), "MySQL") as snapshot:
        source.execute(
            "DELETE FROM t WHERE v = 1", "UPDATE t SET v = 20 WHERE v = 2", "INSERT INTO t VALUES (9, 9, now(6))"
        )
        assert snapshot.query(state) == [(3, Decimal(3))]
    assert source.execute(state) == [(3, Decimal(29))]


@pytest.mark.parametrize("kind", ["datetime(6)", "timestamp(6)"])
def test_a_window_is_half_open_and_in_utc(
    kind: str, source: Source, lake: Lake, configure: Configure, extract: Extract
) -> None:
    source.execute(
        "DROP TABLE IF EXISTS t",
        f"CREATE TABLE t (id int PRIMARY KEY, v int, updated_at {kind} NOT NULL, KEY (updated_at))",
        "INSERT INTO t VALUES (1, 0, '2021-09-15 22:59:59.999999'), (2, 0, '2021-09-15 23:00:00'),"
        " (3, 0, '2021-09-16 23:59:59.999999'), (4, 0, '2021-09-17 00:00:00')",
    )
    written = extract(configure("t", lookback_minutes=60), window=DAY)
    assert sorted(row[0] for row in lake.rows(written)) == [2, 3]
    assert {row[0]: row[2] for row in lake.rows(written)}[3] == moment(2021, 9, 16, 23, 59, 59, 999999)


def test_dates_that_no_calendar_has_are_counted_and_refused_as_cursor(
    source: Source, lake: Lake, configure: Configure, extract: Extract
) -> None:
    fill(source, Case("date", "DATE", {"'0000-00-00'": None, "'2021-02-00'": None, "'2021-02-28'": None}))
    written = extract(configure("t"))
    assert lake.manifest(written)["extract"]["counts"]["zero_dates"] == {"v": 2}
    source.execute("UPDATE t SET updated_at = '0000-00-00' WHERE id = 1")
    with pytest.raises(SourceDataError, match="updated_at"):
        extract(configure("t"))


def test_sums_are_exact_beyond_64_bits(source: Source, lake: Lake, configure: Configure, extract: Extract) -> None:
    fill(source, Case("bigint unsigned", "DECIMAL(20,0)", {"18446744073709551615": 0, "18446744073709551614": 0}))
    written = extract(configure("t"))
    assert lake.manifest(written)["extract"]["counts"]["sums"]["v"] == str(2**65 - 3)


def test_key_ranges_together_are_the_table(
    source: Source, lake: Lake, reader: Callable[[], Any], configure: Configure, extract: Extract
) -> None:
    source.execute(
        "DROP TABLE IF EXISTS t",
        "CREATE TABLE t (id bigint PRIMARY KEY, v int, updated_at datetime NOT NULL)",
        "INSERT INTO t VALUES " + ", ".join(f"({number * 7 - 30}, {number}, now())" for number in range(50)),
    )
    config = configure("t", key_ranges=4)
    ranges = plan_key_ranges(reader, config)
    found = [row[0] for item in ranges for row in lake.rows(extract(config, key_range=item))]
    assert len(ranges) == 4
    assert sorted(found) == [number * 7 - 30 for number in range(50)]


def test_a_table_without_a_key_is_refused(source: Source, configure: Configure, extract: Extract) -> None:
    source.execute("DROP TABLE IF EXISTS t", "CREATE TABLE t (id int, updated_at datetime NOT NULL)")
    with pytest.raises(ConfigError, match="primary_key"):
        extract(configure("t"))


def test_a_table_without_snapshots_is_refused(source: Source, configure: Configure, extract: Extract) -> None:
    source.execute(
        "DROP TABLE IF EXISTS t",
        "CREATE TABLE t (id int PRIMARY KEY, updated_at datetime NOT NULL, KEY (updated_at)) ENGINE=MyISAM",
    )
    with pytest.raises(ConfigError, match="is kept by MyISAM, which has no snapshots; convert it to InnoDB"):
        extract(configure("t"))


def test_an_hour_of_lookback_survives_a_session_in_another_zone(
    source: Source, lake: Lake, configure: Configure, extract: Extract
) -> None:
    source.execute(
        "DROP TABLE IF EXISTS t",
        "CREATE TABLE t (id int PRIMARY KEY, v int, updated_at timestamp NOT NULL)",
        "SET time_zone = '+05:30'",
        "INSERT INTO t VALUES (1, 0, '2021-09-16 05:30:00'), (2, 0, '2021-09-16 05:29:59')",
    )
    written = extract(configure("t", lookback_minutes=0), window=Window(DAY.start, DAY.start + timedelta(hours=1)))
    assert [row[0] for row in lake.rows(written)] == [1]
