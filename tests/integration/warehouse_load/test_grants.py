"""Readers of a loaded table see all but the personal columns, whatever is done to the table."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import redshift_connector

from operators.s3_to_redshift import S3ToRedshiftOperator
from tests.conftest import Postgres
from tests.integration.warehouse_load.conftest import AUDIT, Warehouse
from tests.support.loads import FIRST, Lake, Table, plan
from tests.support.readers import Reader
from warehouse.errors import LoadError
from warehouse.load import Loaded
from warehouse.load_plan import Method

pytestmark = pytest.mark.integration

AT = datetime(2021, 9, 16, tzinfo=UTC).replace(tzinfo=None)
COLUMNS = {"id": "BIGINT", "email": "VARCHAR(64)", "updated_at": "TIMESTAMP", "deleted": "SMALLINT"}
ONE, TWO = (1, "ab" * 32, AT, 0), (2, "cd" * 32, AT, 1)


class People:
    """A table with a hashed column, and one who may read the others."""

    def __init__(self, warehouse: Warehouse, lake: Lake, reader: Reader) -> None:
        self.warehouse, self.lake, self.reader, self.hour = warehouse, lake, reader, 0
        self.name = f"people_{reader.user}"

    def load(self, *rows: Any, grants: tuple[str, ...] | None = None, **options: Any) -> Loaded:
        columns, window = options.pop("columns", COLUMNS), options.pop("window", None)
        personal = options.pop("personal", {"email", "phone"})
        table = Table(self.name, columns, deleted_flag="deleted")
        self.hour += 1
        described = [
            {"name": name, "source_type": kind, "type": kind, "nullable": True}
            | {"pii": "hash" if name in personal else None}
            for name, kind in columns.items()
        ]
        written = self.lake.put_batch(
            table,
            rows,
            target=f"people.{self.name}",
            extracted_at=FIRST + timedelta(hours=self.hour),
            columns=described,
            window=window,
        )
        if grants is None:
            grants = (self.reader.grantee,)
        return self.warehouse.load(plan(written, audit=AUDIT, grants=grants, **options))

    def seen(self, columns: str, view: str = "") -> list[tuple[Any, ...]] | None:
        return self.reader.read(f"SELECT {columns} FROM people.{self.name}{view} ORDER BY 1")


@pytest.fixture
def people(warehouse: Warehouse, lake: Lake, postgres: Postgres) -> People:
    reader = Reader(postgres.dsn("postgres"), warehouse.arguments)
    warehouse.execute("CREATE SCHEMA IF NOT EXISTS people")
    reader.let_into("people", warehouse.connect)
    return People(warehouse, lake, reader)


def require_rights(people: People, live: list[tuple[Any, ...]], rows: list[tuple[Any, ...]]) -> None:
    assert people.seen("id, updated_at") == rows
    assert people.seen("id, _extracted_at IS NOT NULL, _manifest_id IS NOT NULL") == [
        (row[0], True, True) for row in rows
    ]
    for columns in ("email", "*", "id, MD5(email)"):
        assert people.seen(columns) is None
    assert people.seen("*", "_live") == [(*row, 0) for row in live]  # the columns but the personal one


def test_readers_see_all_but_the_personal_columns(people: People) -> None:
    people.load(ONE, TWO)
    require_rights(people, [(1, AT)], [(1, AT), (2, AT)])
    assert people.reader.read(f"DELETE FROM people.{people.name}") is None


def test_a_full_refresh_keeps_their_rights(people: People) -> None:
    people.load(ONE, TWO)
    people.load((3, "ef" * 32, AT, 0), method=Method.REPLACE)
    require_rights(people, [(3, AT)], [(2, AT), (3, AT)])  # the tombstone stays


def test_new_columns_are_readable_unless_they_are_personal(people: People) -> None:
    people.load(ONE)
    people.load((*TWO, "new", "12" * 32), columns=COLUMNS | {"city": "VARCHAR(9)", "phone": "VARCHAR(64)"})
    assert people.seen("email") is None
    assert people.seen("id, city") == [(1, None), (2, "new")]
    assert people.seen("phone") is None
    assert people.seen("*", "_live") == [(1, AT, 0, None)]


def test_a_right_on_the_whole_table_is_taken_back(people: People, warehouse: Warehouse) -> None:
    people.load(ONE)
    warehouse.execute(f"REVOKE ALL ON people.{people.name} FROM ROLE {people.reader.role}")
    warehouse.execute(f"GRANT SELECT ON people.{people.name} TO ROLE {people.reader.role}")
    assert people.seen("email") == [(ONE[1],)]
    people.load(ONE)
    require_rights(people, [(1, AT)], [(1, AT)])


def test_a_view_from_before_the_grants_is_made_anew(people: People, warehouse: Warehouse) -> None:
    people.load(ONE, TWO, grants=())
    warehouse.execute(f"GRANT SELECT ON people.{people.name}_live TO ROLE {people.reader.role}")
    assert people.seen("email", "_live") == [(ONE[1],)]
    people.load(ONE)
    require_rights(people, [(1, AT)], [(1, AT), (2, AT)])


def test_a_column_that_becomes_personal_is_closed(people: People) -> None:
    personal = {"email", "city"}
    people.load((*ONE, "Paris"), columns=COLUMNS | {"city": "VARCHAR(9)"})
    assert people.seen("id, city") == people.seen("id, city", "_live") == [(1, "Paris")]
    people.load((*ONE, "ef" * 32), columns=COLUMNS | {"city": "VARCHAR(64)"}, personal=personal)
    assert people.seen("city") is None
    require_rights(people, [(1, AT)], [(1, AT)])


def test_a_column_that_the_source_has_no_more_is_closed_as_nobody_knows_what_it_holds(people: People) -> None:
    people.load((*ONE, "0123"), columns=COLUMNS | {"phone": "VARCHAR(64)"}, personal={"email"})
    assert people.seen("phone", "_live") == [("0123",)]
    people.load(ONE)
    assert people.seen("phone") is None
    require_rights(people, [(1, AT)], [(1, AT)])


def test_a_view_that_works_no_more_is_made_anew(people: People, warehouse: Warehouse) -> None:
    people.load((*ONE, "Paris"), columns=COLUMNS | {"city": "VARCHAR(9)"})
    warehouse.execute(f"ALTER TABLE people.{people.name} DROP COLUMN city")
    with pytest.raises(redshift_connector.ProgrammingError, match="city"):
        people.seen("*", "_live")
    people.load(ONE)
    require_rights(people, [(1, AT)], [(1, AT)])


def test_without_grants_nothing_is_given_or_taken(people: People, warehouse: Warehouse) -> None:
    people.load(ONE, grants=())
    assert people.seen("id") is None
    warehouse.execute(f"GRANT SELECT (id) ON people.{people.name} TO ROLE {people.reader.role}")
    people.load(ONE, grants=())
    assert people.seen("id") == [(1,)]


@pytest.mark.parametrize("columns", [COLUMNS, COLUMNS | {"city": "VARCHAR(9)"}])
def test_an_unknown_role_is_named_and_the_target_is_as_it_was(people: People, columns: dict[str, str]) -> None:
    people.load(ONE)
    later = (1, ONE[1], AT + timedelta(hours=1), 0, "Paris")[: len(columns)]
    with pytest.raises(
        LoadError,
        match=rf"^people.{people.name}: the rights that grants asks for \(role nobody\) cannot be given, and nothing "
        r'was kept: .*role "nobody" does not exist.* CREATE ROLE .*, or take the line grants out$',
    ):
        people.load(later, columns=columns, grants=("role nobody",))
    require_rights(people, [(1, AT)], [(1, AT)])


@pytest.mark.parametrize(
    "arguments",
    [{"table": "t", "s3_bucket": "b", "s3_key": "k"}, {"manifest": "s3://b/manifest.json", "column_list": ["id"]}],
)
def test_grants_need_to_know_what_is_personal(arguments: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="load: grants needs a manifest"):
        S3ToRedshiftOperator(task_id="load", grants=["public"], **arguments)
