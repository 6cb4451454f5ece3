"""Airflow's backfills in its metadata database: create one, find one, read how it goes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from airflow._shared.timezones.timezone import utcnow
from airflow.api_fastapi.common.dagbag import resolve_run_on_latest_version
from airflow.exceptions import AirflowConfigException
from airflow.jobs.job import most_recent_job
from airflow.models.backfill import (
    AlreadyRunningBackfill,
    Backfill,
    BackfillDagRun,
    ReprocessBehavior,
    _create_backfill,
)
from airflow.models.dag import DagModel
from airflow.models.dagrun import DagRun
from airflow.models.taskinstance import TaskInstance
from airflow.utils.platform import getuser
from airflow.utils.session import create_session
from airflow.utils.state import DagRunState, TaskInstanceState
from sqlalchemy import and_, exists, func, or_, select, update

from backfill.errors import BackfillError
from backfill.options import Options
from backfill.plan import Plan
from backfill.progress import BackfillState, RunState


@dataclass(frozen=True)
class Active:
    """A backfill of the DAG that is under way."""

    backfill_id: int
    from_date: datetime
    to_date: datetime
    same: bool


def create(options: Options, plan: Plan) -> int:
    """Create the backfill as `airflow backfill create` does; return its id.

    :raises BackfillError: if another one was created meanwhile.
    """
    with create_session() as session:
        latest = resolve_run_on_latest_version(None, plan.dag_id, session, fallback=True)
    try:
        created = _create_backfill(
            dag_id=plan.dag_id,
            from_date=plan.from_date,
            to_date=plan.to_date,
            max_active_runs=plan.max_active_runs,
            reverse=options.run_backwards,
            dag_run_conf=options.conf,
            triggering_user_name=_user(),
            reprocess_behavior=ReprocessBehavior(options.reprocess),
            run_on_latest_version=latest,
        )
    except AlreadyRunningBackfill as error:
        raise BackfillError(f"{error} Try again when it has ended.") from error
    return created.id


def find_active(options: Options, plan: Plan) -> Active | None:
    """Return the DAG's backfill that is under way, and whether it is the one that is asked for."""
    with create_session() as session:
        found = session.scalar(select(Backfill).where(Backfill.dag_id == plan.dag_id, Backfill.completed_at.is_(None)))
        if found is None:
            return None
        asked = (plan.from_date, plan.to_date, options.conf)
        same = asked == (found.from_date, found.to_date, found.dag_run_conf) and options.reprocess in {
            "none",  # whoever asks for nothing special is content with it
            ReprocessBehavior(found.reprocess_behavior).value,
        }
        return Active(found.id, found.from_date, found.to_date, same=same)


def close_finished(dag_id: str) -> None:
    """Mark the DAG's backfills whose runs have all ended as completed.

    The scheduler does that too, by the same condition, but only every 30 seconds; until then the DAG could not be
    backfilled again.
    """
    runs = select(DagRun.id).where(
        DagRun.backfill_id == Backfill.id, DagRun.state.in_([DagRunState.QUEUED, DagRunState.RUNNING])
    )
    finished = and_(
        Backfill.dag_id == dag_id,
        Backfill.completed_at.is_(None),
        exists(select(BackfillDagRun.id).where(BackfillDagRun.backfill_id == Backfill.id)),
        ~exists(runs),
    )
    with create_session() as session:
        session.execute(
            update(Backfill).where(finished).values(completed_at=utcnow()).execution_options(synchronize_session=False)
        )


def read_state(backfill_id: int) -> BackfillState:
    """Return how a backfill goes, run by run in its own order.

    Intervals that the backfill skipped show the run that was there.
    """
    this_run = or_(
        DagRun.id == BackfillDagRun.dag_run_id,
        and_(
            BackfillDagRun.dag_run_id.is_(None),
            DagRun.dag_id == Backfill.dag_id,
            DagRun.logical_date == BackfillDagRun.logical_date,
        ),
    )
    start = func.coalesce(DagRun.data_interval_start, BackfillDagRun.logical_date)
    end = func.coalesce(DagRun.data_interval_end, BackfillDagRun.logical_date)
    query = (
        select(start, end, DagRun.run_id, DagRun.state, BackfillDagRun.exception_reason)
        .join(Backfill, Backfill.id == BackfillDagRun.backfill_id)
        .join(DagRun, this_run, isouter=True)
        .where(BackfillDagRun.backfill_id == backfill_id)
        .order_by(BackfillDagRun.sort_ordinal)
    )
    with create_session() as session:
        backfill = session.get_one(Backfill, backfill_id)
        model = session.get_one(DagModel, backfill.dag_id)
        return BackfillState(
            runs=[
                RunState(start, end, run_id, state=str(state or "deleted"), skipped=reason is not None)
                for start, end, run_id, state, reason in session.execute(query)
            ],
            completed=backfill.completed_at is not None,
            paused=bool(backfill.is_paused),
            dag_paused=model.is_paused,
            scheduler_alive=scheduler_alive(),
        )


def failed_tasks(dag_id: str, run_ids: Sequence[str]) -> dict[str, list[str]]:
    """Return the tasks that failed, by run id."""
    query = select(TaskInstance.run_id, TaskInstance.task_id).where(
        TaskInstance.dag_id == dag_id,
        TaskInstance.run_id.in_(run_ids),
        TaskInstance.state == TaskInstanceState.FAILED,
    )
    failed: dict[str, list[str]] = {run_id: [] for run_id in run_ids}
    with create_session() as session:
        for run_id, task_id in session.execute(query.distinct().order_by(TaskInstance.task_id)):
            failed[run_id].append(task_id)
    return failed


def scheduler_alive() -> bool:
    """Whether a scheduler sends heartbeats: Airflow's own health check."""
    job = most_recent_job("SchedulerJob")
    return job is not None and job.is_alive()


def _user() -> str | None:
    try:
        return getuser()
    except AirflowConfigException:  # a user without a name, as containers have; Airflow's command does the same
        return None
