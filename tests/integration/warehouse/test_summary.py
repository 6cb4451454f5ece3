"""Summary tables on the Redshift endpoint: right, or as they were."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest

from tests.integration.warehouse_load.conftest import Warehouse
from tests.support.readers import Reader
from warehouse.errors import CheckError, ConfigError, LoadError
from warehouse.summary import Summary, build, check_inputs, check_output, publish, read_summaries

pytestmark = pytest.mark.integration

Connect = Callable[[], Any]


@pytest.fixture
def warehouse(redshift: Any) -> Warehouse:
    return Warehouse(redshift.fresh_database("summary"), redshift.iam_role)


@pytest.fixture
def reader(warehouse: Warehouse, postgres: Any) -> Reader:
    return Reader(postgres.dsn("postgres"), warehouse.arguments)


@pytest.fixture
def connect(warehouse: Warehouse) -> Connect:
    """A warehouse with answers of three days: mixed, all passive, and one that was deleted."""
    run(
        warehouse.connect,
        "CREATE SCHEMA analytics",
        "CREATE TABLE analytics.nps (id BIGINT, score SMALLINT, created_at TIMESTAMP, deleted SMALLINT)",
        "CREATE VIEW analytics.nps_live AS SELECT * FROM analytics.nps WHERE deleted = 0",
        "INSERT INTO analytics.nps VALUES "
        "(1, 10, '2021-08-31 10:00', 0), (2, 9, '2021-08-31 11:00', 0), (3, 0, '2021-08-31 23:59:59.999999', 0), "
        "(4, 7, '2021-09-01 00:00', 0), (5, 8, '2021-09-01 12:00', 0), "
        "(6, 6, '2021-09-02 12:00', 0), (7, 10, '2021-09-02 12:00', 1)",
    )
    return warehouse.connect


def run(connect: Connect, *statements: str) -> list[tuple[Any, ...]]:
    with closing(connect()) as connection, connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
        return [tuple(row) for row in cursor.fetchall()] if cursor.description else []


@pytest.fixture
def summary() -> Summary:
    [found] = [summary for summary in read_summaries() if summary.name == "nps_summary"]
    return found


def make(summary: Summary, connect: Connect) -> None:
    check_inputs(summary, connect)
    build(summary, connect)
    check_output(summary, connect)
    publish(summary, connect)


def published(connect: Connect) -> list[tuple[Any, ...]]:
    columns = "grain, period_start::varchar, answers, promoters, detractors, nps::varchar"
    return run(connect, f"SELECT {columns} FROM analytics.nps_summary ORDER BY grain, period_start")


EXPECTED = [
    ("day", "2021-08-31", 3, 2, 1, "33.33"),
    ("day", "2021-09-01", 2, 0, 0, "0.00"),  # all passive: 0 and not NULL
    ("day", "2021-09-02", 1, 0, 1, "-100.00"),  # the promoter was deleted
    ("month", "2021-08-01", 3, 2, 1, "33.33"),
    ("month", "2021-09-01", 3, 0, 1, "-33.33"),
]


def test_nps_by_day_and_month(summary: Summary, connect: Connect) -> None:
    make(summary, connect)
    assert published(connect) == EXPECTED


def test_building_it_again_changes_nothing_and_leaves_nothing_beside(summary: Summary, connect: Connect) -> None:
    make(summary, connect)
    run(connect, "CREATE VIEW analytics.latest AS SELECT MAX(period_start) AS day FROM analytics.nps_summary")
    build(summary, connect)  # a try that was killed before it was published
    make(summary, connect)
    assert published(connect) == EXPECTED
    assert run(connect, "SELECT day::varchar FROM analytics.latest") == [("2021-09-02",)]
    assert run(connect, "SELECT table_name FROM svv_tables WHERE table_name LIKE '%__new'") == []


def test_before_the_first_load_the_summary_is_empty(summary: Summary, connect: Connect) -> None:
    answers = run(connect, "SELECT id, score, created_at, deleted FROM analytics.nps")
    run(connect, "DELETE FROM analytics.nps")
    make(summary, connect)
    assert published(connect) == []
    for answer in answers:
        run(connect, "INSERT INTO analytics.nps VALUES ({}, {}, '{}', {})".format(*answer))
    make(summary, connect)
    assert published(connect) == EXPECTED


def test_wrong_input_is_refused_and_the_published_rows_stay(summary: Summary, connect: Connect) -> None:
    make(summary, connect)
    run(connect, "INSERT INTO analytics.nps VALUES (8, 11, '2021-09-03', 0), (9, 5, NULL, 0)")
    with pytest.raises(
        CheckError, match=r"nps_summary: .*analytics.nps: nps_score: 2 live answers have no time.*stays as"
    ):
        make(summary, connect)
    assert published(connect) == EXPECTED


def test_what_does_not_add_up_is_not_published(summary: Summary, connect: Connect) -> None:
    make(summary, connect)
    promoters = "SUM(CASE WHEN vote = 1 AND grain = 'day' THEN 1 ELSE 0 END) AS promoters"
    assert summary.query.count("SUM(CASE WHEN vote = 1 THEN 1 ELSE 0 END) AS promoters") == 1
    wrong = summary.query.replace("SUM(CASE WHEN vote = 1 THEN 1 ELSE 0 END) AS promoters", promoters)
    with pytest.raises(CheckError, match=r"nps_summary: .*: nps_summary_months: 1 months have other.*stays as it was"):
        make(summary.model_copy(update={"query": wrong}), connect)
    assert published(connect) == EXPECTED


def test_a_gap_is_a_warning_and_is_published(
    summary: Summary, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    run(connect, "DELETE FROM analytics.nps WHERE created_at::DATE = '2021-09-01'")
    make(summary, connect)
    assert "analytics.nps_summary: nps_summary_gaps: 1 days between the first and the last" in caplog.text
    assert [row[1] for row in published(connect) if row[0] == "day"] == ["2021-08-31", "2021-09-02"]


def test_other_columns_than_the_published_ones_are_refused(summary: Summary, connect: Connect) -> None:
    make(summary, connect)
    wider = summary.query.replace("COUNT(*) AS answers,", "COUNT(*) AS answers, 1 AS one,")
    with pytest.raises(ConfigError, match=r"has the columns grain, .* now gives grain, period_start, answers, one"):
        make(summary.model_copy(update={"query": wider}), connect)
    assert published(connect) == EXPECTED


def test_readers_see_all_but_the_personal_columns_after_each_build(
    summary: Summary, connect: Connect, reader: Reader
) -> None:
    reader.let_into("analytics", connect)
    summary = summary.model_copy(update={"pii": ("detractors",), "grants": (reader.grantee,)})
    for _ in range(2):
        make(summary, connect)
        assert reader.read("SELECT answers FROM analytics.nps_summary ORDER BY grain, period_start") == [
            (row[2],) for row in EXPECTED
        ]
        assert reader.read("SELECT detractors FROM analytics.nps_summary") is None
        assert reader.read("SELECT * FROM analytics.nps_summary") is None
    run(connect, f"GRANT SELECT ON analytics.nps_summary TO ROLE {reader.role}")
    build(summary, connect)
    assert reader.read("SELECT detractors FROM analytics.nps_summary__new") is None
    make(summary, connect)
    assert reader.read("SELECT detractors FROM analytics.nps_summary") is None


def test_an_unknown_reader_is_named_and_nothing_is_published(summary: Summary, connect: Connect) -> None:
    make(summary, connect)
    run(connect, "INSERT INTO analytics.nps VALUES (8, 10, '2021-09-02 12:00', 0)")
    with pytest.raises(
        LoadError,
        match=r'^analytics.nps_summary: the rights .* \(group nobody\) .*"nobody" does not exist.* take the line',
    ):
        make(summary.model_copy(update={"grants": ("group nobody",)}), connect)
    assert published(connect) == EXPECTED


def test_a_personal_column_that_is_not_there_is_refused(summary: Summary, connect: Connect) -> None:
    with pytest.raises(ConfigError, match="pii names emial; the query gives grain, period_start, answers"):
        make(summary.model_copy(update={"pii": ("emial",)}), connect)


@pytest.mark.parametrize(
    ("query", "complaint"),
    [
        (
            "SELECT 'day' AS grain, CAST('2021-01-01' AS DATE) AS period_start, 1 AS answers, 101.0 AS nps",
            "1 rows have nps",
        ),
        ("SELECT 'day' AS grain, CAST('2021-01-01' AS DATE) AS period_start, 0 AS answers, 0.0 AS nps", "have answers"),
        ("SELECT 'day' AS grain, CAST(NULL AS DATE) AS period_start, 1 AS answers, 0.0 AS nps", "NULL in their key"),
        (
            "SELECT 'day' AS grain, CAST('2021-01-01' AS DATE) AS period_start, 1 AS answers, 0.0 AS nps "
            "UNION ALL SELECT 'day', CAST('2021-01-01' AS DATE), 2, 1.0",
            r"1 keys \(grain, period_start\) are there more than once",
        ),
        (
            "SELECT 'day' AS grain, CAST('2021-01-01' AS DATE) AS period_start, 1 AS answers, 0.0 AS nps WHERE 1 = 0",
            "it has no rows, and 5 are published",
        ),
    ],
)
def test_wrong_output_is_not_published(summary: Summary, connect: Connect, query: str, complaint: str) -> None:
    make(summary, connect)
    with pytest.raises(CheckError, match=complaint):
        make(summary.model_copy(update={"query": query}), connect)
    assert published(connect) == EXPECTED


def test_wrong_front_matter_is_named_with_its_file(tmp_path: Any) -> None:
    (tmp_path / "broken.sql").write_text("/* ---\ntarget: nowhere\n--- */\nSELECT 1\n")
    with pytest.raises(ConfigError, match=r"broken\.sql: its front matter is wrong"):
        read_summaries(tmp_path)
    (tmp_path / "broken.sql").write_text("SELECT 1\n")
    with pytest.raises(ConfigError, match=r"broken\.sql:1: found no front matter"):
        read_summaries(tmp_path)
