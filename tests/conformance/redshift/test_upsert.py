"""One table of upsert cases, held against every way of loading by key."""

from __future__ import annotations

import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.conformance.redshift.warehouse import SqlFailedError, Warehouse
from tests.support.loads import FIRST, Lake, Row, Table, csv_bytes, plan
from warehouse.errors import WarehouseError
from warehouse.load import Loaded, load
from warehouse.load_plan import Method, Relation
from warehouse.plan_files import Keys, list_files, plan_files
from warehouse.stage import Authorization

pytestmark = pytest.mark.integration

NPS = Table(
    "nps",
    {"id": "BIGINT", "score": "SMALLINT", "note": "VARCHAR(40)", "updated_at": "TIMESTAMP", "deleted": "SMALLINT"},
    deleted_flag="deleted",
)
PAIRS = Table("pairs", {"a": "INTEGER", "b": "VARCHAR(8)", "x": "SMALLINT", "updated_at": "TIMESTAMP"}, key=("a", "b"))
ODD = Table(
    "odd",
    {"Order": "INTEGER", "select": "VARCHAR(8)", 'a "b" c': "SMALLINT", "changed at": "TIMESTAMP"},
    key=("Order", "select"),
    order_key="changed at",
)


def at(hour: int) -> datetime:
    """A time of the order key."""
    return datetime(2021, 9, 16, hour, tzinfo=UTC).replace(tzinfo=None)


@dataclass(frozen=True)
class Batch:
    """Rows that are loaded together.

    :param seen: hours after the first extract at which these rows were extracted.
    """

    rows: Sequence[Row]
    seen: int = 0
    columns: tuple[str, ...] = ()
    column_list: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Case:
    """Batches that are loaded one after the other, and what is in the target then.

    :param error: what the last batch's load says; the target is what it was before it.
    :param counts: of the last load.
    :param needs_manifest: files alone do not know when they were extracted.
    """

    batches: Sequence[Batch]
    expected: Sequence[Row]
    table: Table = NPS
    error: str = ""
    counts: dict[str, int] = field(default_factory=dict)
    needs_manifest: bool = False


ONE, TWO = (1, 9, "one", at(1), 0), (2, 3, "two", at(1), 0)
CASES = {
    "insert": Case([Batch([ONE, TWO])], [ONE, TWO], counts={"staged": 2, "inserted": 2}),
    "insert beside": Case([Batch([ONE]), Batch([TWO])], [ONE, TWO], counts={"staged": 1, "inserted": 1}),
    "update": Case(
        [Batch([ONE, TWO]), Batch([(1, None, "", at(2), 0)], seen=1)],
        [(1, None, "", at(2), 0), TWO],
        counts={"staged": 1, "updated": 1},
    ),
    "newest of duplicate keys": Case(
        [Batch([(1, 1, "older", at(1), 0), (1, 3, "newest", at(3), 0), (1, 2, "middle", at(2), 0)])],
        [(1, 3, "newest", at(3), 0)],
        counts={"staged": 3, "duplicates": 2, "inserted": 1},
    ),
    "older after newer": Case(
        [Batch([(1, 9, "newer", at(5), 0)], seen=1), Batch([(1, 1, "older", at(2), 0), TWO])],
        [(1, 9, "newer", at(5), 0), TWO],
        counts={"staged": 2, "stale": 1, "inserted": 1},
    ),
    "same time, extracted later": Case(
        [Batch([(1, 1, "first", at(1), 0)]), Batch([(1, 2, "second", at(1), 0)], seen=1)],
        [(1, 2, "second", at(1), 0)],
        counts={"staged": 1, "updated": 1},
    ),
    "same time, extracted earlier": Case(
        [Batch([(1, 2, "second", at(1), 0)], seen=1), Batch([(1, 1, "first", at(1), 0)])],
        [(1, 2, "second", at(1), 0)],
        counts={"staged": 1, "stale": 1},
        needs_manifest=True,
    ),
    "newer, although extracted earlier": Case(
        [Batch([(1, 1, "old", at(1), 0)], seen=1), Batch([(1, 2, "new", at(2), 0)])],
        [(1, 2, "new", at(2), 0)],
        counts={"staged": 1, "updated": 1},
    ),
    "tombstone": Case([Batch([ONE, TWO]), Batch([(1, 9, "one", at(2), 1)], seen=1)], [(1, 9, "one", at(2), 1), TWO]),
    "tombstone of an unknown row": Case([Batch([(1, 9, "one", at(2), 1)])], [(1, 9, "one", at(2), 1)]),
    "older after tombstone": Case(
        [Batch([(1, 9, "one", at(2), 1)], seen=1), Batch([ONE])],
        [(1, 9, "one", at(2), 1)],
        counts={"staged": 1, "stale": 1},
    ),
    "back from the dead": Case(
        [Batch([(1, 9, "one", at(2), 1)]), Batch([(1, 9, "one", at(3), 0)], seen=1)], [(1, 9, "one", at(3), 0)]
    ),
    "replay": Case([Batch([ONE, TWO]), Batch([ONE, TWO])], [ONE, TWO], counts={"staged": 2, "updated": 2}),
    "empty batch": Case([Batch([ONE]), Batch([])], [ONE], counts={"staged": 0}),
    "only an empty batch": Case([Batch([])], [], counts={"staged": 0}),
    "reordered columns": Case(
        [
            Batch([ONE, TWO]),
            Batch([(0, at(2), "moved", 1, 5)], 1, columns=("deleted", "updated_at", "note", "id", "score")),
        ],
        [(1, 5, "moved", at(2), 0), TWO],
    ),
    "fewer columns": Case(
        [Batch([ONE, TWO]), Batch([(at(2), 1, 0), (at(2), 3, 0)], 1, columns=("updated_at", "id", "deleted"))],
        [(1, 9, "one", at(2), 0), TWO, (3, None, None, at(2), 0)],
        counts={"staged": 2, "updated": 1, "inserted": 1},
    ),
    "column_list": Case(
        [
            Batch([ONE, TWO]),
            Batch(
                [(1, 0, "not listed", at(2), 1), (3, 4, "not listed", at(2), 1)],
                seen=1,
                column_list=("id", "score", "updated_at"),
            ),
        ],
        [(1, 0, "one", at(2), 0), TWO, (3, 4, None, at(2), None)],
        counts={"staged": 2, "updated": 1, "inserted": 1},
    ),
    "composite key": Case(
        [
            Batch([(1, "a", 1, at(1)), (1, "b", 2, at(1)), (2, "a", 3, at(1))]),
            Batch([(1, "b", 9, at(2)), (2, "b", 8, at(2))], seen=1),
        ],
        [(1, "a", 1, at(1)), (1, "b", 9, at(2)), (2, "a", 3, at(1)), (2, "b", 8, at(2))],
        table=PAIRS,
        counts={"staged": 2, "updated": 1, "inserted": 1},
    ),
    "quoted identifiers": Case(
        [Batch([(1, "x", 1, at(1)), (2, "y", 2, at(1))]), Batch([(1, "x", 7, at(2)), (1, "X", 3, at(2))], seen=1)],
        [(1, "X", 3, at(2)), (1, "x", 7, at(2)), (2, "y", 2, at(1))],
        table=ODD,
    ),
    "text that SQL and CSV would trip over": Case(
        [Batch([(1, 1, '\'; DROP "x" \\ %s\n,€ 😀', at(1), 0), (2, 1, "", at(1), 0), (3, 1, None, at(1), 0)])],
        [(1, 1, '\'; DROP "x" \\ %s\n,€ 😀', at(1), 0), (2, 1, "", at(1), 0), (3, 1, None, at(1), 0)],
    ),
    "NULL in the key": Case(
        [Batch([ONE]), Batch([TWO, (None, 1, "nobody", at(1), 0), (None, 2, "nobody", at(1), 0)], seen=1)],
        [ONE],
        error=r"2 rows have NULL in id, updated_at, in s3://\S+",
    ),
    "NULL in one column of the key": Case(
        [Batch([(1, None, 1, at(1))])], [], table=PAIRS, error=r"1 rows have NULL in a, b, updated_at, in s3://\S+"
    ),
    "NULL in the order key": Case([Batch([ONE, (2, 1, "", None, 0)])], [], error=r"1 rows have NULL in id, updated_at"),
}


class Way(ABC):
    """A way of loading batches into a fresh target."""

    def __init__(self, warehouse: Warehouse, table: Table) -> None:
        self.warehouse = warehouse
        self.table = table
        self.name = f"T {uuid.uuid4().hex[:12]}"
        self.target = Relation(warehouse.schema, self.name)
        self.audit = Relation(warehouse.schema, "Load audit")
        self.lake = Lake(warehouse.s3, warehouse.bucket, f"{warehouse.prefix}/{self.name.replace(' ', '-')}")

    @abstractmethod
    def load(self, batch: Batch) -> Loaded:
        """Load a batch."""

    def run(self, make_plan: Callable[..., Any]) -> Loaded:
        return load(
            lambda: self.warehouse.connect("redshift_connector").connection,
            make_plan,
            Authorization(self.warehouse.authorization),
        )

    def rows(self) -> list[tuple[Any, ...]]:
        names = ", ".join('"' + name.replace('"', '""') + '"' for name in self.table.columns)
        key = ", ".join(f'"{name}"' for name in self.table.key)
        session = self.warehouse.connect()
        try:
            return session.run(f'SELECT {names} FROM {self.warehouse.schema}."{self.name}" ORDER BY {key}')
        finally:
            session.close()


class ByManifest(Way):
    file_format = "csv"

    def load(self, batch: Batch) -> Loaded:
        table = self.table.only(*batch.columns) if batch.columns else self.table
        written = self.lake.put_batch(
            table,
            batch.rows,
            target=str(self.target),
            extracted_at=FIRST + timedelta(hours=batch.seen),
            file_format=self.file_format,
        )
        return self.run(plan(written, target=self.target, audit=self.audit, column_list=batch.column_list))


class ByParquetManifest(ByManifest):
    file_format = "parquet"


class ByFiles(Way):
    def __init__(self, warehouse: Warehouse, table: Table) -> None:
        super().__init__(warehouse, table)
        columns = ", ".join('"' + name.replace('"', '""') + f'" {kind}' for name, kind in table.columns.items())
        session = warehouse.connect()
        session.run(f'CREATE TABLE {warehouse.schema}."{self.name}" ({columns})')
        session.close()

    def load(self, batch: Batch) -> Loaded:
        table, rows = self.table, batch.rows
        if columns := batch.columns or batch.column_list:
            table = table.only(*columns)
        if batch.column_list:  # the files then hold these columns only
            places = [list(self.table.columns).index(name) for name in batch.column_list]
            rows = [[row[place] for place in places] for row in rows]
        prefix = uuid.uuid4().hex
        if rows:
            self.lake.put(f"{prefix}/part-0", csv_bytes(table, rows, null="NULL_x"))
        files = list_files(
            self.warehouse.s3,
            self.lake.bucket,
            f"{self.lake.prefix}/{prefix}/",
            ["FORMAT AS CSV", "NULL AS 'NULL_x'", "DATEFORMAT 'auto'", "TIMEFORMAT 'auto'", "GZIP"],
            run=prefix,
        )
        return self.run(
            lambda session: plan_files(
                session,
                files,
                target=self.target,
                audit=self.audit,
                method=Method.UPSERT,
                column_list=columns or None,
                keys=Keys(table.key, table.order_key, table.deleted_flag if "deleted" in table.columns else None),
            )
        )


WAYS: dict[str, type[Way]] = {"manifest": ByManifest, "parquet": ByParquetManifest, "files": ByFiles}
TRIALS = [(name, way) for name, case in CASES.items() for way in WAYS if not (case.needs_manifest and way == "files")]


@pytest.mark.parametrize(("name", "way"), TRIALS)
def test_upsert(name: str, way: str, warehouse: Warehouse) -> None:
    case = CASES[name]
    loader = WAYS[way](warehouse, case.table)
    *earlier, last = case.batches
    for batch in earlier:
        loader.load(batch)

    if case.error:
        with pytest.raises(WarehouseError, match=case.error):
            loader.load(last)
    else:
        loaded = loader.load(last)
        assert {name: getattr(loaded, name) for name in case.counts} == case.counts
        assert loaded.staged == loaded.duplicates + loaded.stale + loaded.inserted + loaded.updated

    if earlier or not case.error or way == "files":
        assert loader.rows() == list(case.expected)
    else:
        with pytest.raises(SqlFailedError, match="does not exist"):  # it was not even made
            loader.rows()
