"""A feature query on PostgreSQL: its columns, its rows without the key, and why there are none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from psycopg.abc import Buffer
from psycopg.rows import tuple_row

from synthetics.feature_query import FeatureQuery
from transfers.extract_errors import EmptyExtractError, EntityKeyError, ExtractError, QueryError, explain_source_error

SQL_DIR = Path(__file__).resolve().parents[2] / "sql" / "extract"
BOOLEAN_OID = 16


class FeatureSource:
    """A feature query within one read-only transaction, on one snapshot.

    :param connection: open, no transaction begun.
    :param query: rendered.
    :param name: what messages call the database.
    """

    def __init__(self, connection: psycopg.Connection[Any], query: FeatureQuery, name: str) -> None:
        self._query = query
        self._name = name
        connection.read_only = True
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        self._cursor = connection.cursor(row_factory=tuple_row)
        self._quote = lambda identifier: sql.Identifier(identifier).as_string(connection)

    def begin(self) -> datetime:
        """Take the snapshot.

        :returns: the moment whose data the query will see, in UTC.
        """
        with self._explained(""):
            self._cursor.execute("SET LOCAL TIME ZONE 'UTC'")
            self._cursor.execute("SET LOCAL datestyle = 'ISO'")
            [(now,)] = self._cursor.execute("SELECT now()").fetchall()
        return now.astimezone(UTC)

    def columns(self) -> list[psycopg.Column]:
        """The columns of the extract: the query's without the key, in its order. Nothing is executed.

        :raises QueryError: PostgreSQL refuses the query, or its columns are not what the front matter says.
        """
        statement = _render("describe", query=self._query.sql)
        with self._explained(statement):
            found = list(self._cursor.execute(statement).description or [])
        names = [column.name for column in found]
        if repeated := [name for name, count in Counter(names).items() if count > 1]:
            self._refuse(f"more than one column is called {_list(repeated)}; give each a name of its own with AS")
        for role in ("entity_key", "quasi_identifiers", "sensitive"):
            declared = getattr(self._query, role)
            declared = (declared,) if isinstance(declared, str) else declared
            if missing := [name for name in declared if name not in names]:
                self._refuse(
                    f"{role} names {_list(missing)}, but the query returns {_list(names)}; correct one of them"
                )
        if len(found) == 1:
            self._refuse(f"there is no column besides the entity key {names[0]!r}; select features as well")
        return [column for column in found if column.name != self._query.entity_key]

    def stream(self, columns: list[psycopg.Column]) -> Generator[Buffer, None, None]:
        """Execute the query and yield the CSV, header first, a row at a time; :attr:`rows` is known at the end.

        :raises ExtractError: the query failed, or its rows may not leave; what was yielded so far is worthless.
        """
        statement = _render(
            "copy_without_key",
            query=self._query.sql,
            key=self._quote(self._query.entity_key),
            columns=", ".join(self._select(column) for column in columns),
        )
        with self._explained(statement), self._cursor.copy(statement) as copy:
            yield from copy
        if not self.rows:
            raise self._why_empty()

    def subjects(self, pads: tuple[bytes, bytes]) -> Generator[Buffer, None, None]:
        """Execute the query again, on the same snapshot, and yield a keyed hash of every entity key, a line each.

        :param pads: inner and outer pad of the key, see :meth:`synthetics.subjects.SubjectKey.pads`.
        """
        statement = _render("subject_hmacs", query=self._query.sql, key=self._quote(self._query.entity_key))
        with self._explained(statement):
            for name, pad in zip(("inner_pad", "outer_pad"), pads, strict=True):
                # As a parameter: of what is in a statement's text, more is logged and shown.
                self._cursor.execute("SELECT set_config(%s, %s, true)", (f"subjects.{name}", f"\\x{pad.hex()}"))
            with self._cursor.copy(statement) as copy:
                yield from copy

    @property
    def rows(self) -> int:
        """How many rows, or subjects, were streamed last."""
        return self._cursor.rowcount

    def _select(self, column: psycopg.Column) -> str:
        """A column as it goes into the CSV; booleans as true and false, which every reader understands, not t and f."""
        name = self._quote(column.name)
        return f"{name}::text AS {name}" if column.type_code == BOOLEAN_OID else name

    def _why_empty(self) -> ExtractError:
        statement = _render("diagnose_key", query=self._query.sql, key=self._quote(self._query.entity_key))
        with self._explained(statement):
            [(rows, null_keys, repeated_keys)] = self._cursor.execute(statement).fetchall()
        if not rows:
            return EmptyExtractError(
                f"{self._query.path}: the query returned no rows; check its filters and parameters, and that "
                f"{self._name} holds data"
            )
        return EntityKeyError(
            f"{self._query.path}: the entity key {self._query.entity_key!r} must be there once per row; "
            f"of {rows:,} rows, {null_keys:,} have none (NULL) and {repeated_keys:,} repeat the key of another. "
            "Group by the key, filter the NULLs, or name the right entity_key; nothing was extracted"
        )

    def _refuse(self, problem: str) -> None:
        raise QueryError(f"{self._query.path}: {problem}")

    @contextmanager
    def _explained(self, statement: str) -> Iterator[None]:
        try:
            yield
        except psycopg.Error as error:
            # The cause is left out of the chain: its message may quote a person's data, and would land in the log.
            raise explain_source_error(error, self._query, statement, self._name) from None


@contextmanager
def feature_source(connect: Callable[[], Any], query: FeatureQuery, name: str) -> Iterator[FeatureSource]:
    """Connect, and close the connection at the end.

    :raises SourceUnavailableError: PostgreSQL cannot be reached.
    """
    try:
        connection = connect()
    except psycopg.Error as error:
        raise explain_source_error(error, query, "", name) from error
    try:
        yield FeatureSource(connection, query, name)
    finally:
        connection.close()


@cache
def _template(name: str) -> Any:
    from jinja2 import Environment, StrictUndefined

    text = (SQL_DIR / f"{name}.sql").read_text(encoding="utf-8")
    return Environment(undefined=StrictUndefined, autoescape=False).from_string(text)  # noqa: S701 - SQL, not HTML


def _render(name: str, **values: str) -> str:
    return str(_template(name).render(values))


def _list(names: list[str]) -> str:
    return ", ".join(map(repr, names))
