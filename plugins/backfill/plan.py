"""Which runs a backfill would start, and why it cannot be started at all."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from airflow._shared.timezones.timezone import utcnow
from airflow.exceptions import AirflowException
from airflow.models.backfill import InvalidReprocessBehavior, ReprocessBehavior, _do_dry_run, _get_info_list
from airflow.models.dag import DagModel
from airflow.models.dagrun import DagRun
from airflow.models.serialized_dag import SerializedDagModel
from airflow.serialization.definitions.dag import SerializedDAG
from airflow.timetables.base import DagRunInfo
from sqlalchemy import select
from sqlalchemy.orm import Session

from backfill.errors import BackfillError, UsageError
from backfill.options import Options, is_full_refresh


@dataclass(frozen=True)
class PlannedRun:
    """One interval of the range.

    :param state: of the run that exists for it; None if there is none.
    :param conf: of that run.
    :param attempted: whether the backfill starts it, or starts it again.
    """

    start: datetime
    end: datetime
    state: str | None
    conf: Any
    attempted: bool


@dataclass(frozen=True)
class Plan:
    """What a backfill would do.

    :param from_date: first instant of the range.
    :param to_date: last instant of the range.
    :param runs: in the order in which they would be started.
    :param unfinished: start of the interval that is left out because it is not over yet.
    :param paused: whether the DAG is.
    """

    dag_id: str
    from_date: datetime
    to_date: datetime
    runs: Sequence[PlannedRun]
    unfinished: datetime | None
    max_active_runs: int
    paused: bool

    @property
    def attempted(self) -> list[PlannedRun]:
        """The runs that would be started."""
        return [run for run in self.runs if run.attempted]


def make_plan(options: Options, session: Session) -> Plan:
    """Work out what a backfill would do, by the same functions that create it.

    :raises BackfillError: for an unknown DAG, one without intervals, a range without any, a refused conf.
    """
    dag, model = _load(options.dag_id, session)
    from_date, to_date = options.range(dag.timetable.localize_partition_datetime)
    attempted = _attempted(dag.dag_id, from_date, to_date, options, session)
    infos = _get_info_list(from_date=from_date, to_date=to_date, reverse=options.run_backwards, dag=dag)
    existing = _existing_runs(dag.dag_id, [info.logical_date for info in infos], session)
    runs = [_planned(info, existing, attempted) for info in infos]
    unfinished = _unfinished(dag, from_date, to_date)
    if not runs:
        raise BackfillError(_nothing(options, model, unfinished))
    if options.conf is None:
        _refuse_full_refresh([run for run in runs if run.attempted])
    return Plan(
        dag_id=dag.dag_id,
        from_date=from_date,
        to_date=to_date,
        runs=runs,
        unfinished=unfinished,
        max_active_runs=options.max_active_runs or dag.max_active_runs,
        paused=model.is_paused,
    )


def _load(dag_id: str, session: Session) -> tuple[SerializedDAG, DagModel]:
    serialized = session.scalar(SerializedDagModel.latest_item_select_object(dag_id))
    model = session.get(DagModel, dag_id)
    if serialized is None or model is None or model.is_stale:
        raise BackfillError(_unknown(dag_id, session))
    dag = serialized.dag
    if not dag.timetable.periodic:
        raise BackfillError(
            f"{dag_id} has no periodic schedule (it is {model.timetable_summary!r}), so it has no data intervals to "
            f"backfill. Start a single run with: airflow dags trigger {dag_id}"
        )
    if dag.timetable.partitioned:
        raise BackfillError(
            f"the runs of {dag_id} are told apart by partition, not by data interval. Use: airflow backfill create"
        )
    return dag, model


def _unknown(dag_id: str, session: Session) -> str:
    known = session.scalars(select(DagModel.dag_id).where(DagModel.is_stale.is_(False))).all()
    similar = difflib.get_close_matches(dag_id, known, n=1)
    hint = f"Did you mean {similar[0]}? " if similar else ""
    return (
        f"Airflow knows no DAG {dag_id!r}. {hint}All of them: airflow dags list; files that could not be read: "
        "airflow dags list-import-errors"
    )


def _attempted(
    dag_id: str, from_date: datetime, to_date: datetime, options: Options, session: Session
) -> set[datetime | None]:
    """Logical dates of the runs that Airflow would start."""
    try:
        infos = _do_dry_run(
            dag_id=dag_id,
            from_date=from_date,
            to_date=to_date,
            reverse=options.run_backwards,
            reprocess_behavior=ReprocessBehavior(options.reprocess),
            dag_run_conf=options.conf,
            session=session,
        )
        return {info.logical_date for info in infos}
    except InvalidReprocessBehavior as error:
        raise UsageError(
            f"tasks of {dag_id} have depends_on_past=True, so runs that exist already cannot be left as they are: add "
            "--rerun-failed-tasks or --reset-dagruns"
        ) from error
    except AirflowException as error:
        reason = str(error).splitlines()[0]  # what follows is the whole JSON schema of a param
        raise BackfillError(f"Airflow refuses a backfill of {dag_id}: {reason}") from error


def _existing_runs(
    dag_id: str, dates: Sequence[datetime | None], session: Session
) -> dict[datetime | None, tuple[str, Any]]:
    query = select(DagRun.logical_date, DagRun.state, DagRun.conf)
    rows = session.execute(query.where(DagRun.dag_id == dag_id, DagRun.logical_date.in_(dates)))
    return {row.logical_date: (str(row.state), row.conf) for row in rows}


def _planned(
    info: DagRunInfo, existing: Mapping[datetime | None, tuple[str, Any]], attempted: set[datetime | None]
) -> PlannedRun:
    if info.data_interval is None:
        raise TypeError(f"a run of an unpartitioned schedule has no data interval: {info}")
    state, conf = existing.get(info.logical_date, (None, None))
    start, end = info.data_interval
    return PlannedRun(start, end, state=state, conf=conf, attempted=info.logical_date in attempted)


def _unfinished(dag: SerializedDAG, from_date: datetime, to_date: datetime) -> datetime | None:
    now = utcnow()
    if from_date > now:
        return None
    infos = dag.iter_dagrun_infos_between(from_date, min(to_date, now))
    starts = [info.data_interval.start for info in infos if info.data_interval and info.data_interval.end >= now]
    return starts[0] if starts else None


def _nothing(options: Options, model: DagModel, unfinished: datetime | None) -> str:
    schedule = f"{options.dag_id} (schedule {model.timetable_summary!r})"
    if unfinished:
        return f"there is nothing to run yet: the interval of {schedule} that starts at {unfinished} is not over"
    days = options.start if options.start == options.end else f"{options.start} to {options.end}"
    return (
        f"there is nothing to run: no data interval of {schedule} starts within {days} "
        "(with --verbose, Airflow says if it could not work them out)"
    )


def _refuse_full_refresh(runs: Sequence[PlannedRun]) -> None:
    refused = [run for run in runs if is_full_refresh(run.conf)]
    if refused:
        raise BackfillError(
            f"the run of {refused[0].start} has full_refresh in its conf, which replaces whole tables and is not for a "
            "backfill. To run its data interval instead, replace the conf of all runs: -c '{\"full_refresh\": false}'"
        )
