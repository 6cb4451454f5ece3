"""A read-only, consistent snapshot of MySQL on one connection."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from warehouse.config import TableConfig
from warehouse.errors import ConfigError, SourceDataError, SourceUnavailableError, WarehouseError
from warehouse.mysql_sql import render_about_table, render_session

if TYPE_CHECKING:
    from MySQLdb.connections import Connection

# The server cannot be reached, goes down, cuts the query off, or sees the table change: a retry finds another moment.
PASSING = {1020, 1040, 1053, 1077, 1078, 1079, 1152, 1158, 1159, 1160, 1161, 1203, 1205, 1213, 1226, 1317, 1412, 1927}
PASSING |= {1969, 3024, 4031, *range(2000, 2062)}
ER_NO_SUCH_TABLE, ER_BAD_DB = 1146, 1049


class Snapshot:
    """One transaction in which every query sees the same data.

    :param connection: open, by mysqlclient.
    :param config: the table that it is for; pinned, so that its columns stay as they are.
    :param name: what messages call the server, such as the connection's id.
    """

    def __init__(self, connection: Connection, config: TableConfig, name: str) -> None:
        self._connection = connection
        self._config = config
        self._name = name
        with self._explained():
            connection.set_character_set("utf8mb4")
        for statement in render_session():
            self.query(statement)
        [(now, self.server, self.max_allowed_packet)] = self.query(render_about_table("clock", config))
        self.extracted_at: datetime = now.replace(tzinfo=UTC)
        self.query(render_about_table("snapshot", config))
        self.query(render_about_table("pin", config))

    def query(self, statement: str) -> list[tuple[Any, ...]]:
        """Execute a statement and return all its rows."""
        from MySQLdb.cursors import Cursor

        with self._explained():
            cursor = self._connection.cursor(Cursor)  # the connection's default may be another kind
            cursor.execute(statement)
            return list(cursor.fetchall())

    def stream(self, statement: str, batch: int) -> Iterator[tuple[tuple[bytes | None, ...], ...]]:
        """Execute a query and yield its rows as they come, never more than a batch in memory.

        :param batch: rows that are fetched at once.
        :raises SourceDataError: MySQL warned, so some value may not be what it should.
        """
        from MySQLdb.constants import FIELD_TYPE
        from MySQLdb.cursors import SSCursor

        for name in ("STRING", "VAR_STRING", "VARCHAR", "TINY_BLOB", "BLOB", "MEDIUM_BLOB", "LONG_BLOB"):
            # UTF-8 as it comes, not decoded. A cast to BINARY would do it too, but costs MySQL a quarter of the time.
            self._connection.converter[getattr(FIELD_TYPE, name)] = bytes
        with self._explained():
            cursor = self._connection.cursor(SSCursor)
            cursor.execute(statement)
            try:
                while rows := cursor.fetchmany(batch):
                    yield rows
            except BaseException:
                # Letting go of a cursor reads the rest of its result, maybe for hours; closing the connection does not.
                self.close()
                raise
            warnings = cursor.warning_count
            cursor.close()
        if warnings:
            self._refuse_warnings(warnings)

    def close(self) -> None:
        """Close the connection, if it is still open."""
        if self._connection.open:
            self._connection.close()

    def _refuse_warnings(self, count: int) -> None:
        # A warning's text may quote a value; its code says enough.
        codes = sorted({str(code) for _, code, _ in self.query("SHOW WARNINGS")})
        raise SourceDataError(
            f"{self._config.source}: MySQL wrote the rows with {count} warnings (codes {', '.join(codes)}), so some "
            "value may be wrong; look the codes up in MySQL's error reference. Nothing was released"
        )

    @contextmanager
    def _explained(self) -> Iterator[None]:
        with explained_mysql_errors(self._config, self._name):
            yield


@contextmanager
def open_snapshot(connect: Callable[[], Connection], config: TableConfig, name: str) -> Iterator[Snapshot]:
    """Connect and begin a snapshot; the connection is closed at the end, however it comes.

    :param connect: opens the connection, such as a MySqlHook's `get_conn`.
    :param name: what messages call the server.
    :raises WarehouseError: one of its kinds, for everything that can be foreseen.
    """
    with explained_mysql_errors(config, name):
        connection = connect()
    try:
        if not hasattr(connection, "thread_id"):
            raise ConfigError(
                f"{name}: the extract reads with mysqlclient, found {type(connection).__module__}; remove `client` "
                "from the connection's extra"
            )
        yield Snapshot(connection, config, name)
    finally:
        if connection.open:
            connection.close()


@contextmanager
def explained_mysql_errors(config: TableConfig, name: str) -> Iterator[None]:
    """Turn what mysqlclient raises into one of our errors."""
    import MySQLdb

    try:
        yield
    except MySQLdb.Error as error:
        raise _explain(error, config, name) from error


def _explain(error: Exception, config: TableConfig, name: str) -> WarehouseError:
    code, said = (*error.args, "")[:2] if error.args else (0, str(error))
    if code in PASSING:
        return SourceUnavailableError(
            f"{config.source}: MySQL ({name}) cannot be reached or went away: {said} ({code}). Nothing was released; "
            "check that it runs and that the connection's host and port are right; then retry"
        )
    if code in {ER_NO_SUCH_TABLE, ER_BAD_DB}:
        return ConfigError(
            f"{config.where('source')}: {config.name}.source: there is no table {config.source} in MySQL ({name}), or "
            "its user may not see it; correct `source`"
        )
    return ConfigError(
        f"{config.source}: MySQL ({name}) refused: {said} ({code}). Check the connection's login and password, and "
        "that its user may SELECT from the table"
    )
