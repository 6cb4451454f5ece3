"""The target: made from the manifest, grown with the source, with a view of live rows, replaced as a whole."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.integration.warehouse_load.conftest import AUDIT, Warehouse
from tests.integration.warehouse_load.sabotage import Connection
from tests.support.loads import FIRST, Lake, Table, plan
from warehouse.errors import LoadError
from warehouse.load import Loaded, load
from warehouse.load_plan import Method
from warehouse.target import Layout

pytestmark = pytest.mark.integration

ONE, TWO, THREE = (datetime(2021, 9, 16, hour, tzinfo=UTC).replace(tzinfo=None) for hour in (1, 2, 3))
COLUMNS = {"id": "BIGINT", "note": "VARCHAR(4)", "updated_at": "TIMESTAMP", "deleted": "SMALLINT"}
WINDOW = (FIRST, FIRST + timedelta(days=1))


class Mart:
    """A target and what is loaded into it."""

    def __init__(self, warehouse: Warehouse, lake: Lake, name: str) -> None:
        self.warehouse, self.lake, self.name = warehouse, lake, name

    def put(self, rows: Any, *, hour: int = 0, columns: dict[str, str] | None = None, **options: Any) -> Any:
        table = Table(self.name, columns or COLUMNS, deleted_flag=options.pop("deleted_flag", "deleted"))
        at = FIRST + timedelta(hours=hour)
        return self.lake.put_batch(table, rows, target=f"c.{self.name}", extracted_at=at, **options)

    def load(self, *manifests: Any, layout: Layout | None = None, **options: Any) -> Loaded:
        return self.warehouse.load(plan(*manifests, audit=AUDIT, **options), layout=layout)

    def rows(self, what: str = "id, note, updated_at, deleted", view: str = "") -> list[tuple[Any, ...]]:
        return self.warehouse.execute(f"SELECT {what} FROM c.{self.name}{view} ORDER BY 1")

    def columns(self, view: str = "") -> list[tuple[Any, ...]]:
        return self.warehouse.execute(
            "SELECT column_name, data_type, character_maximum_length, is_nullable FROM svv_columns"
            f" WHERE table_schema = 'c' AND table_name = '{self.name}{view}' ORDER BY ordinal_position"
        )


@pytest.fixture
def mart(warehouse: Warehouse, lake: Lake, request: pytest.FixtureRequest) -> Mart:
    return Mart(warehouse, lake, request.node.name.removeprefix("test_").replace("[", "_").rstrip("]")[:40])


def test_it_is_made_from_the_manifest(mart: Mart, warehouse: Warehouse) -> None:
    columns = {
        "Id": "DECIMAL(20,0)",
        "small": "SMALLINT",
        "amount": "DECIMAL(30,10)",
        "text": "VARCHAR(65535)",
        "bytes": "VARBYTE(16)",
        "json": "SUPER",
        "ratio": "DOUBLE PRECISION",
        "narrow": "REAL",
        "day": "DATE",
        "yes": "BOOLEAN",
        "Updated At": "TIMESTAMP",
    }
    table = Table(mart.name, columns, key=("Id", "day"), order_key="Updated At", deleted_flag="yes")
    written = mart.lake.put_batch(table, [], target=f"c.{mart.name}")
    mart.load(written, layout=Layout("Id", ("day", "Updated At")))

    assert [(name, kind, nullable) for name, kind, _, nullable in mart.columns()] == [
        ("id", "numeric", "NO"),
        ("small", "smallint", "YES"),
        ("amount", "numeric", "YES"),
        ("text", "character varying", "YES"),
        ("bytes", "binary varying", "YES"),
        ("json", "super", "YES"),
        ("ratio", "double precision", "YES"),
        ("narrow", "real", "YES"),
        ("day", "date", "NO"),
        ("yes", "boolean", "YES"),
        ("updated at", "timestamp without time zone", "NO"),
        ("_extracted_at", "timestamp without time zone", "NO"),
        ("_manifest_id", "character varying", "NO"),
    ]
    keys = warehouse.execute(
        f"SELECT column_name FROM information_schema.key_column_usage WHERE table_name = '{mart.name}' ORDER BY 1"
    )
    assert keys == [("day",), ("id",)]
    mart.load(mart.lake.put_batch(table, [(1, *[None] * 7, ONE.date(), False, ONE)], target=f"c.{mart.name}"))
    layout = warehouse.execute(
        f"SELECT diststyle, sortkey1, sortkey_num FROM svv_table_info WHERE \"table\" = '{mart.name}'"
    )
    assert layout == [("KEY(id)", "day", 2)]
    before = mart.columns()
    mart.load(written)
    assert mart.columns() == before


def test_it_grows_with_the_source(mart: Mart) -> None:
    mart.load(mart.put([(1, "one", ONE, 0)]))
    grown = {"fresh": "DECIMAL(9,2)", **COLUMNS, "New Col": "VARCHAR(9)"}
    mart.load(mart.put([(1.5, 2, "two", TWO, 0, "x")], columns=grown))

    assert [name for name, *_ in mart.columns()][4:] == ["_extracted_at", "_manifest_id", "fresh", "new col"]
    assert [name for name, *_ in mart.columns("_live")] == [*COLUMNS, "fresh", "new col"]
    assert [(row[0], str(row[1])) for row in mart.rows("id, fresh")] == [(1, "None"), (2, "1.50")]
    assert mart.rows('id, "new col"', "_live") == [(1, None), (2, "x")]


def test_a_text_column_gets_longer(mart: Mart) -> None:
    mart.load(mart.put([(1, "four", ONE, 0)]))
    longer = COLUMNS | {"note": "VARCHAR(12)"}
    mart.load(mart.put([(2, "twelve bytes", TWO, 0)], columns=longer, hour=1))
    assert {name: size for name, _, size, _ in mart.columns()}["note"] == 12
    assert mart.rows("id, note", "_live") == [(1, "four"), (2, "twelve bytes")]

    mart.load(mart.put([(3, "ab", TWO, 0)], columns=COLUMNS, hour=2))  # shorter again: it stays as it is
    assert {name: size for name, _, size, _ in mart.columns()}["note"] == 12


def test_a_key_does_not(mart: Mart) -> None:
    def put(length: int, key: str) -> Any:
        columns = {"code": f"VARCHAR({length})", "updated_at": "TIMESTAMP"}
        return mart.lake.put_batch(Table(mart.name, columns, key=("code",)), [(key, ONE)], target=f"c.{mart.name}")

    mart.load(put(4, "four"))
    with pytest.raises(
        LoadError, match=r"'code' is VARCHAR\(4\) there and VARCHAR\(9\) in .* cannot change a key in place: rename"
    ):
        mart.load(put(9, "not four"))
    assert mart.rows("code", "_live") == [("four",)]


HOLDS = {
    "SMALLINT": ("INTEGER", "DECIMAL(5,0)"),
    "INTEGER": ("BIGINT", "DECIMAL(12,2)"),
    "BIGINT": ("DECIMAL(20,0)",),
    "DECIMAL(6,2)": ("DECIMAL(8,2)", "DECIMAL(9,4)"),
    "REAL": ("DOUBLE PRECISION",),
}
LOSES = {
    "INTEGER": ("SMALLINT", "DECIMAL(9,0)", "DOUBLE PRECISION", "VARCHAR(20)", "BOOLEAN"),
    "BIGINT": ("INTEGER", "DECIMAL(20,2)"),
    "DECIMAL(6,2)": ("DECIMAL(6,1)", "DECIMAL(6,3)", "INTEGER", "DOUBLE PRECISION"),
    "DOUBLE PRECISION": ("REAL", "DECIMAL(38,10)"),
    "VARCHAR(9)": ("INTEGER", "SUPER", "VARBYTE(9)"),
    "DATE": ("TIMESTAMP", "VARCHAR(10)"),
    "TIMESTAMP": ("DATE", "TIMESTAMPTZ"),
}


@pytest.mark.parametrize("kind", HOLDS)
def test_a_wider_target_takes_narrower_values(kind: str, mart: Mart) -> None:
    for number, wider in enumerate(HOLDS[kind]):
        mart.name = f"wider_{''.join(filter(str.isalnum, kind)).lower()}_{number}"
        mart.load(mart.put([], columns=COLUMNS | {"x": wider}))
        value = 1.5 if kind == "REAL" else 12
        mart.load(mart.put([(1, "a", ONE, 0, value)], columns=COLUMNS | {"x": kind}))
        assert [float(x) for (x,) in mart.rows("x")] == [value]


@pytest.mark.parametrize("kind", LOSES)
def test_a_target_that_would_lose_something_is_refused(kind: str, mart: Mart) -> None:
    for number, other in enumerate(LOSES[kind]):
        mart.name = f"loses_{''.join(filter(str.isalnum, kind)).lower()}_{number}"
        mart.load(mart.put([], columns=COLUMNS | {"x": other}))
        with pytest.raises(LoadError, match=r"column 'x' is .*, which it cannot hold"):
            mart.load(mart.put([], columns=COLUMNS | {"x": kind}))


def test_two_first_loads_meet(mart: Mart) -> None:
    barrier = threading.Barrier(2)

    def between(statement: str, execute: Any) -> None:
        if "CREATE SCHEMA" in statement or "CREATE TABLE" in statement or "CREATE OR REPLACE VIEW" in statement:
            barrier.wait(60)
        execute()

    written = [mart.put([(number, "x", ONE, 0)]) for number in (1, 2)]
    mart.warehouse.execute("CREATE SCHEMA IF NOT EXISTS audit")
    errors: list[BaseException] = []

    def run(number: int) -> None:
        try:
            load(
                lambda: Connection(mart.warehouse.connect(), between),
                plan(written[number], audit=AUDIT.__class__("audit", f"a_{mart.name}"[:40])),
                mart.warehouse.authorization,
            )
        except BaseException as error:  # noqa: BLE001 - shown by the test
            errors.append(error)
            barrier.abort()

    threads = [threading.Thread(target=run, args=(number,)) for number in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert errors == []
    assert [row[0] for row in mart.rows()] == [1, 2]


def test_tombstones_are_kept_and_not_shown(mart: Mart) -> None:
    mart.load(mart.put([(1, "a", ONE, 0), (2, "b", ONE, 1), (3, "c", ONE, None), (4, "d", ONE, 2)]))
    assert [row[0] for row in mart.rows()] == [1, 2, 3, 4]
    assert [row[0] for row in mart.rows("id", "_live")] == [1, 3]


def test_a_boolean_can_be_the_flag(mart: Mart) -> None:
    columns = COLUMNS | {"deleted": "BOOLEAN"}
    mart.load(mart.put([(1, "a", ONE, False), (2, "b", ONE, True), (3, "c", ONE, None)], columns=columns))
    assert [row[0] for row in mart.rows("id", "_live")] == [1, 3]
    with pytest.raises(LoadError, match="deleted_flag 'deleted' is TIMESTAMP; a flag is a whole number or a BOOLEAN"):
        mart.load(mart.put([], columns=COLUMNS | {"deleted": "TIMESTAMP"}))


def test_without_a_flag_all_rows_are_live(mart: Mart) -> None:
    mart.load(mart.put([(1, "a", ONE, 1)], deleted_flag=None))
    assert [row[0] for row in mart.rows("id", "_live")] == [1]


def test_a_full_refresh(mart: Mart) -> None:
    mart.load(mart.put([(1, "old", ONE, 0), (2, "gone", ONE, 0), (3, "dead", ONE, 1), (4, "back", TWO, 0)]))
    mart.load(mart.put([(5, "late", THREE, 0), (1, "late", THREE, 0)], hour=9))  # extracted after the refresh's extract
    # Row 4 went back in time, as after a restore of the source.
    whole = mart.put([(1, "new", TWO, 0), (4, "past", ONE, 0), (6, "six", TWO, 0)], hour=5, window=None)
    refreshed = mart.load(whole, method=Method.REPLACE)

    expected = [
        (1, "late", THREE, 0),
        (3, "dead", ONE, 1),
        (4, "past", ONE, 0),
        (5, "late", THREE, 0),
        (6, "six", TWO, 0),
    ]
    assert mart.rows() == expected
    assert (refreshed.staged, refreshed.stale, refreshed.inserted, refreshed.updated, refreshed.removed) == (
        3,
        1,
        1,
        1,
        1,
    )
    mart.load(whole, method=Method.REPLACE)
    assert mart.rows() == expected


def test_a_full_refresh_by_key_ranges(mart: Mart) -> None:
    mart.load(mart.put([(key, "old", ONE, 0) for key in (1, 2, 11, 12, 21, 22)], hour=0))
    mart.load(mart.put([(2, "mid", TWO, 0), (12, "mid", TWO, 0), (22, "mid", TWO, 0), (13, "mid", TWO, 0)], hour=5))
    ranges = ((None, 10, 4), (10, 20, 6), (20, None, 6))  # the first was extracted before those rows, the others after
    written = [
        mart.put(
            [((lower or 0) + 1, "new", THREE, 0)],
            hour=hour,
            window=None,
            key_range={"column": "id", "lower": lower, "upper": upper},
        )
        for lower, upper, hour in ranges
    ]
    refreshed = mart.load(*written, method=Method.REPLACE)

    assert mart.rows("id, note") == [(1, "new"), (2, "mid"), (11, "new"), (21, "new")]
    assert (refreshed.staged, refreshed.updated, refreshed.removed) == (3, 3, 3)
    audit = mart.warehouse.execute(
        f"SELECT load_id, staged, updated, removed FROM audit.loads WHERE target = 'c.{mart.name}'"
        " AND method = 'REPLACE'"
    )
    by_range = {load_id: counts for load_id, *counts in audit}
    assert [by_range[manifest.extract.manifest_id] for _, manifest in written] == [[1, 1, 0], [1, 1, 2], [1, 1, 1]]


def test_readers_never_see_a_table_half_refreshed(mart: Mart) -> None:
    rows = [(key, "old", ONE, 0) for key in range(200)]
    mart.load(mart.put(rows))
    whole = mart.put([(key, "new", TWO, 0) for key in range(200)], hour=1, window=None)
    seen: set[tuple[Any, ...]] = set()

    def between(statement: str, execute: Any) -> None:
        execute()
        # LOCK makes readers wait until the end: a reader that came before it looks on instead.
        seen.update(tuple(row) for row in reader.execute(count).fetchall())

    count = f"SELECT note, COUNT(*) FROM c.{mart.name} GROUP BY note"
    with mart.warehouse.connect() as connection:
        reader = connection.cursor()

        def unlocked(statement: str, execute: Any) -> None:
            if "LOCK TABLE" not in statement:
                between(statement, execute)

        load(
            lambda: Connection(mart.warehouse.connect(), unlocked),
            plan(whole, audit=AUDIT, method=Method.REPLACE),
            mart.warehouse.authorization,
        )
    assert seen == {("old", 200), ("new", 200)}


def test_the_audit_row(mart: Mart) -> None:
    written = mart.put([(1, "a", ONE, 0), (2, "b", ONE, 0)], window=WINDOW)
    mart.warehouse.load(plan(written, audit=AUDIT), loaded_by="dag run task")
    mart.warehouse.load(plan(written, audit=AUDIT), loaded_by="dag run task again")
    rows = mart.warehouse.execute(
        "SELECT load_id, schema_version, method, source, url, window_start, window_end, extracted_at, loaded_by,"
        f" staged, duplicates, stale, inserted, updated, removed FROM audit.loads WHERE target = 'c.{mart.name}'"
    )
    naive = [moment.replace(tzinfo=None) for moment in (*WINDOW, FIRST)]
    url, manifest = written
    assert rows == [
        (manifest.extract.manifest_id, 1, "UPSERT", f"prod.{mart.name}", url, *naive, "dag run task", 2, 0, 0, 2, 0, 0)
    ]
    assert mart.rows("id, _extracted_at, _manifest_id") == [
        (key, naive[2], manifest.extract.manifest_id) for key in (1, 2)
    ]
