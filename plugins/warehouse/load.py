"""S3 → Redshift: files into staging tables, held against what was counted, then into the target in one transaction."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

from warehouse import merge, target
from warehouse.errors import CheckError, WarehouseError
from warehouse.grants import give_rights
from warehouse.load_plan import LoadPlan, Method
from warehouse.redshift import Session, StatementError, open_session
from warehouse.stage import Authorization, stage_files
from warehouse.target import Layout

ATTEMPTS = 6  # of the transaction, while others are in its way

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Loaded:
    """What became of the staged rows.

    :param target: `schema.table`.
    :param load_ids: the manifests' ids, or what stands for them in the audit table.
    :param staged: rows in the files.
    :param duplicates: rows of which a newer one was staged, too.
    :param stale: rows that are older than the target's.
    :param inserted: rows with new keys.
    :param updated: rows that took the place of the target's.
    :param removed: rows of the target that a REPLACE found no more in the source.
    """

    target: str
    load_ids: tuple[str, ...]
    staged: int = 0
    duplicates: int = 0
    stale: int = 0
    inserted: int = 0
    updated: int = 0
    removed: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Plain values, fit for XCom."""
        return asdict(self) | {"load_ids": list(self.load_ids)}


def load(
    connect: Callable[[], Any],
    make_plan: Callable[[Session], LoadPlan],
    authorization: Authorization,
    *,
    layout: Layout | None = None,
    loaded_by: str = "",
    name: str = "Redshift",
) -> Loaded:
    """Carry out one load.

    It may be killed at any moment and run again: the target changes in one transaction, and a second time nothing.

    :param connect: opens a connection by redshift_connector, such as a RedshiftSQLHook's `get_conn`.
    :param make_plan: what to load; may ask the database about the target.
    :param layout: of a target that does not exist yet.
    :param loaded_by: for the audit table.
    :param name: what messages call the server.
    :raises WarehouseError: one of its kinds, for everything foreseen.
    """
    with open_session(connect, name, authorization.secrets) as session:
        plan = make_plan(session)
        target.require_fit(session, plan)
        for number in range(len(plan.files)):
            stage_files(session, plan, number, authorization)
        target.prepare(session, plan, layout or Layout())
        return _move_with_retries(session, plan, loaded_by)


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
    load_ids = tuple(files.load_id for files in plan.files)
    try:
        session.run(merge.render_begin(plan))
        if plan.method is Method.APPEND and session.run(merge.render_already_loaded(plan)) != [(0,)]:
            log.warning("an earlier try of this task has appended these very files to %s already", plan.target)
            session.run(merge.render_rollback())
            return Loaded(str(plan.target), load_ids)
        session.run(merge.render_batch(plan))
        session.run(merge.render_move(plan))
        if plan.key:
            _check_target(session, plan)
        give_rights(session, plan)
        session.run(merge.render_audit(plan, loaded_by))
        [counts] = session.run(merge.render_read_counts())
        session.run(merge.render_commit())
    except BaseException:
        with suppress(WarehouseError):
            session.run(merge.render_rollback())
        raise
    return Loaded(str(plan.target), load_ids, *map(int, counts))


def _check_target(session: Session, plan: LoadPlan) -> None:
    [(missing, older, repeated)] = session.run(merge.render_check_target(plan))
    if missing or older or repeated:
        raise CheckError(
            f"{plan.target}: after the load, of the keys that were staged {missing:,} are missing, {older:,} are older "
            f"than staged, and {repeated:,} are there more than once. Nothing was kept; rows that are there more than "
            "once were there before this load: remove them, or run a full refresh"
        )
