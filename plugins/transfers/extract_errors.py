"""What can go wrong between a feature query and S3, each as one message that says what to do.

A retry can cure :class:`SourceUnavailableError` and a plain :class:`DestinationError`; the others need a person.
"""

from __future__ import annotations

import psycopg
from psycopg import errors

from synthetics.feature_query import FeatureQuery

# Classes of SQLSTATE, https://www.postgresql.org/docs/current/errcodes-appendix.html
GONE = ("08", "57P")  # the connection or the server ends
BUSY = ("40", "53", "55", "57", "58")  # conflict on a replica, no memory or disk, locks, time-outs: may pass
ABOUT_THE_STATEMENT = ("0A", "25", "42", "54")  # their messages never quote a value of a row; others may


class ExtractError(Exception):
    """An extract failed, and left nothing on S3."""


class QueryError(ExtractError):
    """PostgreSQL refuses the query, or its columns are not what its front matter says."""


class EmptyExtractError(ExtractError):
    """The query returned no rows."""


class EntityKeyError(ExtractError):
    """The entity key is NULL in some rows, or names more than one row."""


class SourceUnavailableError(ExtractError):
    """PostgreSQL cannot be reached, or went away."""


class DestinationError(ExtractError):
    """S3 cannot be reached, or broke off."""


class DestinationRefusedError(DestinationError):
    """The bucket is missing or closed to us."""


def explain_source_error(error: psycopg.Error, query: FeatureQuery, statement: str, source: str) -> ExtractError:
    """Turn what psycopg raised into an error that names the file and the line.

    :param statement: the SQL that was sent; PostgreSQL counts positions in it.
    :param source: what to call the database.
    """
    if error.sqlstate is None or error.sqlstate.startswith(GONE):
        return SourceUnavailableError(
            f"{source} cannot be reached or went away: {' '.join(str(error).split()).rstrip('.?')}. "
            "Check that it runs and that the connection's host, port, login and password are right; then retry."
        )
    place = _place(error, query, statement)
    said = f"{errors.lookup(error.sqlstate).__name__}: {error.diag.message_primary}"
    hint = f" Hint: {error.diag.message_hint}" if error.diag.message_hint else ""
    if error.sqlstate.startswith(BUSY):
        return SourceUnavailableError(
            f"{place}: {source} could not finish the query: {said}.{hint} Retry; if that does not help, make the query "
            "cheaper, or ask for a longer statement_timeout (on a replica max_standby_streaming_delay)."
        )
    if not error.sqlstate.startswith(ABOUT_THE_STATEMENT):
        said = f"{said.partition(':')[0]}: the message is withheld because it may quote a person's data"
        hint = " Run the query in psql to read it."
    return QueryError(f"{place}: {source} refused the query: {said}.{hint}")


def _place(error: psycopg.Error, query: FeatureQuery, statement: str) -> str:
    """`file:line: 'text of the line'` where PostgreSQL gives a position inside the query, else the file."""
    start = statement.find(query.sql)
    position = int(error.diag.statement_position or 0) - 1 - start
    if start < 0 or position < 0:
        return str(query.path)
    position = min(position, len(query.sql))  # beyond it: something is missing at the query's end
    number = query.sql.count("\n", 0, position)
    return f"{query.path}:{query.first_line + number} ({query.sql.splitlines()[number].strip()!r})"
