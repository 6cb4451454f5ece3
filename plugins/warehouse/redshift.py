"""One connection to Redshift: executes rendered statements, and says what went wrong."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from warehouse.errors import ConfigError, SourceUnavailableError, WarehouseError, WarehouseUnavailableError

# SQLSTATE classes: connection gone, no resources, an operator or the server ended it, server busy.
PASSING = ("08", "53", "57", "58")
NO_ENTRY = ("28", "3D")
ABOUT_VALUES = ("22", "23")  # the message may quote a value
SERIALIZATION = ("1023", "serializable isolation violation", "could not serialize")

log = logging.getLogger(__name__)


class StatementError(WarehouseError):
    """Redshift refused a statement.

    :param code: SQLSTATE.
    :param message: Redshift's, with its detail; without values.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"Redshift refused: {message} ({code})")
        self.code = code
        self.message = message

    @property
    def serialization(self) -> bool:
        """Whether another transaction was in the way (error 1023), so that the whole transaction may be run again."""
        text = self.message.lower()
        return (
            self.code == "40001" or text.startswith(SERIALIZATION[0]) or any(mark in text for mark in SERIALIZATION[1:])
        )


def may_pass(error: Exception) -> bool:
    """Whether running the same again may succeed: a server is away or busy, or another transaction was in the way."""
    if isinstance(error, StatementError):
        return error.serialization
    return isinstance(error, SourceUnavailableError | WarehouseUnavailableError)


class Session:
    """A connection in autocommit mode: transactions are statements like others.

    :param connection: open, by redshift_connector.
    :param name: what messages call the server, such as the connection's id.
    :param secrets: texts that neither the log nor an error shows.
    """

    def __init__(self, connection: Any, name: str, secrets: Iterable[str] = ()) -> None:
        self._connection = connection
        self._connection.autocommit = True
        self._name = name
        self._secrets = tuple(filter(None, secrets))

    def run(self, statements: Sequence[str]) -> list[tuple[Any, ...]]:
        """Execute statements in their order.

        :returns: the last one's rows.
        :raises StatementError: Redshift refused one.
        :raises WarehouseUnavailableError: the connection is gone.
        """
        rows: list[tuple[Any, ...]] = []
        for statement in statements:
            with self._executed(statement) as cursor:
                rows = [tuple(row) for row in cursor.fetchall()] if cursor.description else []
        return rows

    def columns(self, query: str) -> list[str]:
        """Execute a query; return its columns' names.

        :raises StatementError: Redshift refused it.
        :raises WarehouseUnavailableError: the connection is gone.
        """
        with self._executed(query) as cursor:
            return [name for name, *_ in cursor.description]

    @contextmanager
    def _executed(self, statement: str) -> Iterator[Any]:
        log.info("%s", self._hide(statement))
        with explained_redshift_errors(self._name, self._hide), self._connection.cursor() as cursor:
            cursor.execute(statement)
            yield cursor

    def _hide(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text


@contextmanager
def open_session(connect: Callable[[], Any], name: str, secrets: Iterable[str] = ()) -> Iterator[Session]:
    """Connect; the connection is closed at the end, however it comes, and with it go its temporary tables.

    :param connect: opens a connection, such as a RedshiftSQLHook's `get_conn`.
    """
    with explained_redshift_errors(name):
        connection = connect()
    try:
        yield Session(connection, name, secrets)
    finally:
        with suppress(Exception):
            connection.close()


@contextmanager
def explained_redshift_errors(name: str, hide: Callable[[str], str] = str) -> Iterator[None]:
    """Turn what redshift_connector raises into one of our errors.

    :param hide: takes secrets out of a text.
    """
    import redshift_connector

    try:
        yield
    except (redshift_connector.Error, OSError) as error:
        raise _explain(error, name, hide) from None  # its arguments may quote values


def _explain(error: Exception, name: str, hide: Callable[[str], str]) -> WarehouseError:
    said = error.args[0] if error.args else ""
    if not isinstance(said, dict):
        return _unavailable(name, " ".join(str(said or error).split()))
    code, message, detail = (str(said.get(field, "")) for field in "CMD")
    if code.startswith(ABOUT_VALUES):
        message, detail = message.partition(":")[0], ""
    text = hide(" ".join(f"{message.rstrip('. ')}{': ' + detail if detail else ''}".split()).rstrip(". "))
    if code.startswith(PASSING):
        return _unavailable(name, f"{text} ({code})")
    if code.startswith(NO_ENTRY):
        return ConfigError(
            f"Redshift ({name}) refused the login: {text} ({code}). Check the connection's login and "
            "password, and its schema, which is the database"
        )
    return StatementError(code, text)


def _unavailable(name: str, said: str) -> WarehouseUnavailableError:
    return WarehouseUnavailableError(
        f"Redshift ({name}) cannot be reached, went away, or ended the query: {said.rstrip('.')}. Check that it runs "
        "and that the connection's host and port are right; then retry, which is safe at any time"
    )
