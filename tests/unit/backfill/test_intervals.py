"""Which data intervals a range of days covers, by Airflow's own timetables."""

from __future__ import annotations

import pendulum
import pytest
from airflow.sdk import DAG
from airflow.serialization.definitions.dag import SerializedDAG
from airflow.serialization.serialized_objects import DagSerialization
from airflow.timetables.base import Timetable
from airflow.timetables.interval import CronDataIntervalTimetable, DeltaDataIntervalTimetable
from airflow.timetables.trigger import CronTriggerTimetable

from backfill.options import Options


def serialized(schedule: Timetable) -> SerializedDAG:
    dag = DAG("probe", schedule=schedule, start_date=pendulum.datetime(2021, 8, 1), catchup=False)
    return DagSerialization.deserialize_dag(DagSerialization.serialize_dag(dag))


def covered(schedule: Timetable, start: str, end: str) -> list[tuple[str, str]]:
    dag = serialized(schedule)
    from_date, to_date = Options("probe", start, end).range(dag.timetable.localize_partition_datetime)
    infos = dag.iter_dagrun_infos_between(from_date, to_date)
    return [(f"{i.start:%m-%d %H:%M}", f"{i.end:%m-%d %H:%M}") for info in infos if (i := info.data_interval)]


def test_both_days_of_a_daily_schedule() -> None:
    assert covered(CronDataIntervalTimetable("0 0 * * *", timezone="UTC"), "2021-09-16", "2021-09-17") == [
        ("09-16 00:00", "09-17 00:00"),
        ("09-17 00:00", "09-18 00:00"),
    ]


def test_the_last_day_is_covered_to_its_end() -> None:
    assert covered(CronDataIntervalTimetable("0 9 * * *", timezone="UTC"), "2021-09-16", "2021-09-17") == [
        ("09-16 09:00", "09-17 09:00"),
        ("09-17 09:00", "09-18 09:00"),
    ]
    hourly = covered(CronDataIntervalTimetable("0 * * * *", timezone="UTC"), "2021-09-16", "2021-09-17")
    assert (len(hourly), hourly[0], hourly[-1]) == (48, ("09-16 00:00", "09-16 01:00"), ("09-17 23:00", "09-18 00:00"))


def test_days_are_those_of_the_schedules_time_zone() -> None:
    midnight = CronDataIntervalTimetable("0 0 * * *", timezone="Europe/Berlin")
    assert covered(midnight, "2021-09-16", "2021-09-17") == [
        ("09-15 22:00", "09-16 22:00"),
        ("09-16 22:00", "09-17 22:00"),
    ]


def test_an_instant_is_that_instant() -> None:
    hourly = CronDataIntervalTimetable("0 * * * *", timezone="UTC")
    assert covered(hourly, "2021-09-16T09:00", "2021-09-16T10:00") == [
        ("09-16 09:00", "09-16 10:00"),
        ("09-16 10:00", "09-16 11:00"),
    ]


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        (CronTriggerTimetable("0 9 * * *", timezone="UTC"), [("09-16 09:00", "09-16 09:00")]),
        (DeltaDataIntervalTimetable(pendulum.duration(days=1)), [("09-16 00:00", "09-17 00:00")]),
        (CronDataIntervalTimetable("0 0 * * SUN", timezone="UTC"), []),
    ],
)
def test_other_schedules(schedule: Timetable, expected: list[tuple[str, str]]) -> None:
    assert covered(schedule, "2021-09-16", "2021-09-16") == expected
