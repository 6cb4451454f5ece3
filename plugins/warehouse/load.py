"""S3 → Redshift: files into staging tables, held against what was counted, then into the target in one transaction."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

from warehouse import merge, stage, target
from warehouse.errors import CheckError, LoadError, WarehouseError
from warehouse.load_plan import LoadPlan
from warehouse.redshift import Session, StatementError, open_session
from warehouse.redshift_sql import render
from warehouse.target import Layout

ATTEMPTS = 6  # of the transaction, while others are in its way
SHOWN_AUTHORIZATION = "CREDENTIALS '***'"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Loaded:
    """What became of the staged rows.

    :param staged: rows in the files.
    :param duplicates: rows of which a newer one was staged, too.
    :param stale: rows that are older than the target's.
    :param inserted: rows with new keys.
    :param updated: rows that took the place of the target's.
    :param removed: rows of the target that the source had no more (full refresh).
    """

    staged: int
    duplicates: int
    stale: int
    inserted: int
    updated: int
    removed: int

    def to_dict(self) -> dict[str, int]:
        """Plain values, fit for XCom."""
        return asdict(self)


@dataclass(frozen=True)
class Authorization:
    """What lets Redshift read S3.

    :param sql: the clauses of COPY.
    :param secret: whether they hold keys, which the log must not show.
    """

    sql: str
    secret: bool = False


def load(
    connect: Callable[[], Any],
    plan: LoadPlan,
    authorization: Authorization,
    *,
    layout: Layout | None = None,
    loaded_by: str = "",
    name: str = "Redshift",
) -> Loaded:
    """Carry out one load.

    It may be killed at any moment and run again: the target changes in one transaction, and a second time nothing.

    :param connect: opens a connection by redshift_connector, such as a RedshiftSQLHook's `get_conn`.
    :param layout: of a target that does not exist yet.
    :param loaded_by: for the audit table.
    :param name: what messages call the server.
    :raises WarehouseError: one of its kinds, for everything foreseen.
    """
    with open_session(connect, name) as session:
        found = target.read_columns(session, plan.target)
        if found:
            target.compare(plan, found)  # before anything is loaded
        for number in range(len(plan.files)):
            _stage(session, plan, number, authorization)
        target.prepare(session, plan, layout or Layout())
        return _move_with_retries(session, plan, loaded_by)


def _stage(session: Session, plan: LoadPlan, number: int, authorization: Authorization) -> None:
    """Load files into their staging table, and hold it against what was counted."""
    copy(session, plan, number, plan.files[number], authorization)
    [(rows, null_keys, *values)] = session.run(stage.render_measure_stage(plan, number))
    _check_keys(session, plan, number, null_keys, authorization)
    _check_counts(plan, number, rows, values)


def copy(session: Session, plan: LoadPlan, number: int, files: Any, authorization: Authorization) -> None:
    """Create a staging table and load files into it.

    :raises LoadError: Redshift cannot load them; with file, line, column and reason.
    """
    session.run(stage.render_stage(plan.columns, number))
    shown = SHOWN_AUTHORIZATION if authorization.secret else authorization.sql
    try:
        session.run(
            stage.render_copy(plan.columns, files, number, authorization.sql),
            shown=stage.render_copy(plan.columns, files, number, shown),
        )
    except StatementError as error:
        raise _explain_copy(session, plan, files.url, error) from error


def _explain_copy(session: Session, plan: LoadPlan, url: str, error: StatementError) -> LoadError:
    rows = session.run([render("load_errors")]) if "load_error" in error.message else []
    places = [
        f"{file}, line {line}, column {column!r} ({kind}{f', {length}' if length else ''}): {reason}"
        for file, line, column, kind, length, reason in rows
    ]
    said = "; ".join(places) or error.message
    return LoadError(f"{plan.target}: Redshift cannot load {url}: {said}. The target is as it was")


def _check_keys(session: Session, plan: LoadPlan, number: int, null_keys: int, authorization: Authorization) -> None:
    if null_keys:
        raise LoadError(
            f"{plan.target}: {null_keys:,} rows of {plan.files[number].url} have NULL in the key "
            f"({', '.join(plan.key)})"
        )


def _check_counts(plan: LoadPlan, number: int, rows: int, values: list[Any]) -> None:
    files = plan.files[number]
    if files.counts is None:
        return
    differences = [] if rows == files.counts.rows else [f"rows: {files.counts.rows:,} extracted, {rows:,} loaded"]
    for (kind, name), value in zip(stage.measures_of(plan.columns, files), values, strict=True):
        expected = getattr(files.counts, kind)[name]
        if value != expected:
            what = "values" if kind == "non_null" else "sum"
            differences.append(f"{what} of {name!r}: {expected} extracted, {value} loaded")
    if differences:
        raise CheckError(
            f"{plan.target}: what was loaded from {files.url} is not what was extracted: {'; '.join(differences)}. "
            "The target is as it was; extract again"
        )


def _move_with_retries(session: Session, plan: LoadPlan, loaded_by: str) -> Loaded:
    from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_random_exponential

    retrying = Retrying(
        retry=retry_if_exception(lambda error: isinstance(error, StatementError) and error.serialization),
        stop=stop_after_attempt(ATTEMPTS),
        wait=wait_random_exponential(multiplier=0.2, max=20),
        before_sleep=lambda _: log.warning("another transaction was in the way (error 1023); running it again"),
        reraise=True,
    )
    return retrying(_move, session, plan, loaded_by)


def _move(session: Session, plan: LoadPlan, loaded_by: str) -> Loaded:
    """The transaction: staging tables into the target."""
    try:
        session.run(merge.render_begin(plan))
        session.run(merge.render_batch(plan))
        session.run(merge.render_move(plan))
        [differences] = session.run(merge.render_check_target(plan))
        _check_target(plan, *differences)
        session.run(merge.render_audit(plan, loaded_by))
        [counts] = session.run(merge.render_read_counts())
        session.run(merge.render_commit())
    except WarehouseError:
        with suppress(WarehouseError):
            session.run(merge.render_rollback())
        raise
    return Loaded(*map(int, counts))


def _check_target(plan: LoadPlan, missing: int, older: int, repeated: int) -> None:
    if missing or older or repeated:
        raise CheckError(
            f"{plan.target}: after the load, of the keys that were staged {missing:,} are missing, {older:,} are older "
            f"than staged, and {repeated:,} are there more than once. Nothing was kept"
        )
