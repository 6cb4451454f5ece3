"""The target table: made from the files' columns, grown with them, or refused."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from warehouse.errors import LoadError
from warehouse.grants import give_rights
from warehouse.load_plan import LoadColumn, LoadPlan, Relation
from warehouse.merge import render_commit, render_rollback
from warehouse.redshift import Session, StatementError
from warehouse.redshift_types import Kind, parse_type
from warehouse.target_sql import (
    STAMPS,
    render_add_columns,
    render_create_audit,
    render_create_target,
    render_drop_live_view,
    render_live_columns,
    render_live_view,
    render_renew_live_view,
    render_target_columns,
    render_view_exists,
    render_widen,
)

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TargetColumn:
    """A column of the target, as Redshift's catalogue has it.

    :param required: NOT NULL without a default.
    :param identity: filled by Redshift itself; COPY leaves it out.
    """

    name: str
    kind: Kind
    required: bool = False
    identity: bool = False


@dataclass(frozen=True)
class Layout:
    """How a new target is distributed and sorted.

    :param distkey: a column; None leaves it to Redshift.
    :param sortkey: columns; none leaves it to Redshift.
    """

    distkey: str | None = None
    sortkey: tuple[str, ...] = ()


@dataclass(frozen=True)
class Growth:
    """What the target lacks.

    :param added: new columns.
    :param widened: VARCHAR columns that must become longer.
    """

    added: tuple[LoadColumn, ...] = ()
    widened: tuple[LoadColumn, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.added or self.widened)

    def __str__(self) -> str:
        return ", ".join(f"{column.name} {column.type}" for column in (*self.added, *self.widened))


def read_columns(session: Session, target: Relation) -> list[TargetColumn]:
    """A table's columns in their order; none if it does not exist."""
    return [_column(*row) for row in session.run(render_target_columns(target))]


def _column(name: str, data_type: str, *facts: Any) -> TargetColumn:
    length, precision, scale, nullable, default = facts
    return TargetColumn(
        name=name,
        kind=Kind.of(data_type, length, precision, scale),
        required=nullable == "NO" and default is None,
        identity='"identity"(' in (default or ""),
    )


def require_fit(session: Session, plan: LoadPlan) -> None:
    """Refuse a target that cannot take the files' columns, before anything is loaded.

    :raises LoadError: saying which column, what it is, and what to do.
    """
    if found := read_columns(session, plan.target):
        compare(plan, found)


def prepare(session: Session, plan: LoadPlan, layout: Layout) -> None:
    """Make sure that target, its view of live rows and the audit table are there and take the files' columns.

    :raises LoadError: the target cannot take them.
    """
    if not read_columns(session, plan.audit):
        _create(session, render_create_audit(plan.audit), plan.audit)
    if plan.stamped and not read_columns(session, plan.target):
        _create(session, render_create_target(plan, layout.distkey, layout.sortkey), plan.target)
    _grow(session, plan)
    if plan.has_live_view:
        _provide_live_view(session, plan)


def _provide_live_view(session: Session, plan: LoadPlan) -> None:
    """Create the view of live rows; make it anew where it shows what its readers may not see, or not all they may."""
    shown = plan.shown(column.name for column in read_columns(session, plan.target))
    if session.run(render_view_exists(plan)) == [(0,)]:
        _create(session, render_live_view(plan, shown), plan.target.live)
    elif plan.grants and (found := _read_live_columns(session, plan)) != shown:
        log.warning(
            "%s is made anew with the columns %s; it had %s. Only grants of the table config are given again",
            *(plan.target.live, ", ".join(shown), ", ".join(found) or "some that the table has no more"),
        )
        session.run(render_renew_live_view(plan, shown))
        _commit_with_rights(session, plan)


def _read_live_columns(session: Session, plan: LoadPlan) -> list[str]:
    """The columns of the view of live rows; none if it does not work any more."""
    try:
        return session.columns(*render_live_columns(plan))
    except StatementError:
        return []


def _create(session: Session, statements: list[str], table: Relation) -> None:
    """Create a table or view, or find that another load has just done so."""
    try:
        session.run(statements)
    except StatementError:
        if not read_columns(session, table):
            raise


def _grow(session: Session, plan: LoadPlan) -> None:
    """Add and widen columns. The view of live rows may be in the way of that; then it is dropped and made anew."""
    if not (growth := compare(plan, found := read_columns(session, plan.target))):
        return
    log.warning("%s grows: %s; rows loaded earlier have NULL in new columns until extracted again", plan.target, growth)
    try:
        _alter(session, plan, growth, found)
        return
    except StatementError:
        session.run(render_rollback())
    if growth := compare(plan, found := read_columns(session, plan.target)):  # unless another load has just done it
        log.warning("%s is dropped and made anew; only grants of the table config are given again", plan.target.live)
        session.run(render_drop_live_view(plan))
        _alter(session, plan, growth, found)


def _alter(session: Session, plan: LoadPlan, growth: Growth, found: Sequence[TargetColumn]) -> None:
    session.run(render_widen(plan, growth.widened))
    if growth.added:
        shown = plan.shown([column.name for column in found] + [column.name for column in growth.added])
        session.run(render_add_columns(plan, growth.added, shown))
        _commit_with_rights(session, plan)


def _commit_with_rights(session: Session, plan: LoadPlan) -> None:
    give_rights(session, plan)
    session.run(render_commit())


def compare(plan: LoadPlan, found: Sequence[TargetColumn]) -> Growth:
    """Hold the target against the files.

    :raises LoadError: the target cannot take the files' values as they are.
    """
    there = {column.name.lower(): column for column in found}
    wanted = [column for column in plan.columns if column.name in plan.written]
    if plan.stamped:
        wanted += STAMPS
        _require_stamps(plan, there)
    _require_no_more(plan, found, {column.name.lower() for column in wanted})
    widened = []
    for column in wanted:
        target, kind = there.get(column.name.lower()), parse_type(column.type)
        if target is None or target.kind.holds(kind):
            continue
        # https://docs.aws.amazon.com/redshift/latest/dg/r_ALTER_TABLE.html: no other type, and no column of a key.
        if not target.kind.name == kind.name == "VARCHAR" or column.name in plan.key:
            raise LoadError(
                f"{plan.target}: column {column.name!r} is {target.kind} there and {column.type} in the source now, "
                f"which it cannot hold. Redshift cannot change {'a key' if column.name in plan.key else 'such a type'} "
                "in place: rename the table away, and the next full refresh makes it anew"
            )
        widened.append(column)
    added = [column for column in wanted if column.name.lower() not in there]
    return Growth(tuple(added), tuple(widened))


def _require_stamps(plan: LoadPlan, there: dict[str, TargetColumn]) -> None:
    for stamp in STAMPS:
        if stamp.name not in there:
            raise LoadError(
                f"{plan.target} has no column {stamp.name!r}: something else made it, and which of its rows are newer "
                "than the files' cannot be told. Rename it away, and the next full refresh makes it anew"
            )


def _require_no_more(plan: LoadPlan, found: Sequence[TargetColumn], written: set[str]) -> None:
    for column in found:
        if column.name.lower() not in written and column.required:
            raise LoadError(
                f"{plan.target}: column {column.name!r} is NOT NULL without a default, and the load does not write it; "
                "drop the column, or give it a value in the files"
            )
