"""`airflow dags backfill` against a real Airflow: what runs, what is said, and the exit status."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local.airflow_api import AirflowApi
from local.settings import REPOSITORY
from local.stack import Stack
from tests.support.airflow_cli import AirflowCli, Command
from tests.support.runs import Run
from tests.support.waiting import wait_until

DAY_16 = ["2021-09-16T00:00:00+00:00", "2021-09-17T00:00:00+00:00"]
DAY_17 = ["2021-09-17T00:00:00+00:00", "2021-09-18T00:00:00+00:00"]
DAYS = ("-s", "2021-09-16", "-e", "2021-09-17")


@pytest.fixture(scope="module")
def probes(airflow: AirflowApi) -> AirflowApi:
    """An Airflow that has read the DAGs of this file."""
    airflow.wait_for_dag("daily_probe_chained")  # a file's DAGs are read together
    return airflow


@pytest.fixture(scope="module")
def cli(engines: Stack, probes: AirflowApi, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AirflowCli]:
    with AirflowCli(engines.airflow.env, tmp_path_factory.mktemp("cli")) as cli:
        yield cli


def runs(api: AirflowApi, dag_id: str) -> list[dict[str, Any]]:
    return api.get(f"dags/{dag_id}/dagRuns", order_by="logical_date")["dag_runs"]


def probed(api: AirflowApi, dag_id: str) -> list[list[str]]:
    """The data interval that each run of the DAG saw, in order."""
    return [api.xcom(dag_id, run["dag_run_id"], "probe") for run in runs(api, dag_id)]


def tries(api: AirflowApi, dag_id: str) -> list[int]:
    return [Run(api, dag_id, run["dag_run_id"]).tasks()["probe"]["try_number"] for run in runs(api, dag_id)]


def backfills(api: AirflowApi, dag_id: str) -> list[dict[str, Any]]:
    return api.get("backfills", dag_id=dag_id)["backfills"]


def says(command: Command, text: str) -> None:
    wait_until(lambda: text in command.out.read_text(), seconds=90)


class TestDailyProbe:
    """One DAG's story, from nothing to everything done."""

    def test_a_dry_run_starts_nothing(self, cli: AirflowCli, probes: AirflowApi) -> None:
        done = cli.run("dags", "backfill", *DAYS, "--dry-run", "daily_probe")
        assert (done.status, done.err) == (0, "")
        assert done.out.splitlines() == [
            "daily_probe: 2 runs to start",
            "  2021-09-16 00:00Z to 2021-09-17 00:00Z  new",
            "  2021-09-17 00:00Z to 2021-09-18 00:00Z  new",
        ]
        assert runs(probes, "daily_probe") == backfills(probes, "daily_probe") == []

    def test_two_days_are_two_intervals(self, engines: Stack, probes: AirflowApi) -> None:
        """Run as a user does it, by the script of the repository."""
        command = [str(REPOSITORY / "airflow"), "dags", "backfill", *DAYS, "daily_probe"]
        env = {**os.environ, "LOCAL_STACK": str(engines.home.path)}
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=180)
        assert done.returncode == 0, done.stderr
        assert done.stdout.splitlines()[-1] == "daily_probe: 2 runs succeeded."
        assert probed(probes, "daily_probe") == [DAY_16, DAY_17]
        assert [(run["run_type"], run["state"]) for run in runs(probes, "daily_probe")] == [("backfill", "success")] * 2
        [backfill] = backfills(probes, "daily_probe")
        assert backfill["completed_at"]
        assert backfill["max_active_runs"] == 4  # the DAG's own

    def test_again_there_is_nothing_to_do(self, cli: AirflowCli, probes: AirflowApi) -> None:
        done = cli.run("dags", "backfill", *DAYS, "daily_probe")
        assert done.status == 0
        assert "exists (success): left as it is" in done.out
        assert "To run them again: --reset-dagruns" in done.out
        assert done.out.splitlines()[-1].startswith("There is nothing to do")
        assert tries(probes, "daily_probe") == [1, 1]
        assert len(backfills(probes, "daily_probe")) == 1

    def test_nobody_is_asked_where_nobody_can_answer(self, cli: AirflowCli, probes: AirflowApi) -> None:
        done = cli.run("dags", "backfill", *DAYS, "--reset-dagruns", "daily_probe")
        assert (done.status, "add --yes" in done.err) == (2, True)
        assert tries(probes, "daily_probe") == [1, 1]

    def test_reset_runs_them_again(self, cli: AirflowCli, probes: AirflowApi) -> None:
        done = cli.run(
            "dags", "backfill", "-s", "2021-09-17", "-e", "2021-09-18", "--reset-dagruns", "-y", "daily_probe"
        )
        assert done.status == 0, done.err
        assert "2021-09-17 00:00Z to 2021-09-18 00:00Z  exists (success): run again" in done.out
        assert tries(probes, "daily_probe") == [1, 2, 1]

    def test_backwards_begins_with_the_latest(self, cli: AirflowCli, probes: AirflowApi) -> None:
        days = ("-s", "2021-10-02", "-e", "2021-10-03")
        done = cli.run("dags", "backfill", *days, "-B", "--max-active-runs", "1", "daily_probe")
        assert done.status == 0, done.err
        first, second = runs(probes, "daily_probe")[-2:]
        assert first["logical_date"] < second["logical_date"]
        assert first["start_date"] > second["end_date"]

    def test_a_full_refresh_is_refused(self, cli: AirflowCli, probes: AirflowApi) -> None:
        day, conf = ("-s", "2021-10-05"), {"full_refresh": True}
        done = cli.run("dags", "backfill", *day, "-c", json.dumps(conf), "daily_probe")
        assert (done.status, "full_refresh replaces whole tables" in done.err) == (2, True)

        body = {
            "logical_date": "2021-10-05T00:00:00Z",
            "data_interval_start": "2021-10-05T00:00:00Z",
            "data_interval_end": "2021-10-06T00:00:00Z",
            "conf": conf,
        }
        run_id = probes.post("dags/daily_probe/dagRuns", body)["dag_run_id"]
        assert Run(probes, "daily_probe", run_id).wait().state == "success"
        again = ("dags", "backfill", *day, "--reset-dagruns", "-y", "daily_probe")
        done = cli.run(*again)
        assert (done.status, "2021-10-05 00:00:00+00:00 has full_refresh in its conf" in done.err) == (1, True), (
            done.err
        )
        assert cli.run(*again, "-c", '{"full_refresh": false}').status == 0
        assert probes.get(f"dags/daily_probe/dagRuns/{run_id}")["conf"] == {"full_refresh": False}


def test_the_status_tells_of_a_failed_run(cli: AirflowCli, probes: AirflowApi) -> None:
    dag_id = "daily_probe_failing"
    done = cli.run("dags", "backfill", *DAYS, "-c", '{"fail_on": "2021-09-17"}', dag_id)
    assert done.status == 1
    assert "1 of 2 runs of daily_probe_failing did not succeed" in done.err
    assert "2021-09-17 00:00Z to 2021-09-18 00:00Z  failed: probe (http" in done.err
    assert "/dags/daily_probe_failing/runs/backfill__2021-09-18T00%3A00%3A00%2B00%3A00)" in done.err
    assert [run["state"] for run in runs(probes, dag_id)] == ["success", "failed"]

    done = cli.run("dags", "backfill", *DAYS, dag_id)
    assert (done.status, tries(probes, dag_id)) == (1, [1, 1])
    assert "exists (failed): left as it is" in done.out
    assert "only those that failed: --rerun-failed-tasks" in done.out
    assert "nothing was started, and 1 of 2 runs have not succeeded" in done.err

    done = cli.run("dags", "backfill", *DAYS, "--rerun-failed-tasks", "-c", '{"fail_on": null}', dag_id)
    assert (done.status, tries(probes, dag_id)) == (0, [1, 2]), done.err
    assert probed(probes, dag_id) == [DAY_16, DAY_17]


def test_interrupted_followed_paused_cancelled_and_run_again(
    cli: AirflowCli, probes: AirflowApi, tmp_path: Path
) -> None:
    dag_id, opened = "daily_probe_interrupted", tmp_path / "opened"
    conf = json.dumps({"wait_for": str(opened)})
    command = ("dags", "backfill", *DAYS, "--max-active-runs", "1", "-c", conf, dag_id)

    running = cli.start(*command)
    says(running, "0 of 2 runs ended: 1 running, 1 queued")
    running.interrupt()
    done = running.wait()
    [backfill] = backfills(probes, dag_id)
    number = backfill["id"]
    assert done.status == 130
    assert f"backfill {number} of {dag_id} goes on in Airflow" in done.err
    assert "run the same command again" in done.err
    assert f"/api/v2/backfills/{number}/pause, /unpause or /cancel" in done.err
    assert f"/dags/{dag_id}/backfills)" in done.err
    assert backfill["completed_at"] is None
    assert sorted(run["state"] for run in runs(probes, dag_id)) == ["queued", "running"]

    other = cli.run("dags", "backfill", "-s", "2021-09-20", dag_id)
    assert other.status == 1
    assert f"another backfill of {dag_id} is under way: number {number}, 2021-09-16 00:00Z" in other.err

    following = cli.start(*command)
    says(following, f"Backfill {number} does just this and is under way: following it.")
    for step, said in (("pause", "the backfill is paused"), ("cancel", "1 of 2 runs ended: 1 failed, 1 running")):
        answer = probes.session.put(f"{probes.url}/api/v2/backfills/{number}/{step}", timeout=30)
        assert answer.ok, answer.text
        says(following, said)
    opened.touch()
    done = following.wait()
    assert done.status == 1
    assert "2021-09-17 00:00Z to 2021-09-18 00:00Z  failed: no task failed, so it was cancelled" in done.err

    done = cli.run(*command, "--rerun-failed-tasks")
    assert done.status == 0, done.err
    assert probed(probes, dag_id) == [DAY_16, DAY_17]
    assert len(backfills(probes, dag_id)) == 2


@pytest.mark.parametrize(
    ("words", "status", "error"),
    [
        (("-s", "2021-09-16", "manual_probe"), 1, "manual_probe has no periodic schedule"),
        (("-s", "2021-09-16", "dayly_probe"), 1, "knows no DAG 'dayly_probe'. Did you mean daily_probe?"),
        (("-s", "2021-09-16", "daily_probe_paused"), 1, "First: airflow dags unpause daily_probe_paused"),
        (("-s", "2121-09-16", "daily_probe"), 1, "Backfill cannot be executed for future dates"),
        (("-s", "2021-09-16T01:00", "-e", "2021-09-16T02:00", "daily_probe"), 1, "no data interval of daily_probe"),
        (("-s", "2021-09-17", "-e", "2021-09-16", "daily_probe"), 2, "2021-09-17 (-s) is after the end"),
        (("-s", "16.9.2021", "daily_probe"), 2, "-s '16.9.2021' is no date: expected YYYY-MM-DD"),
        (("-s", "2021-09-16", "daily_probe_chained"), 2, "add --rerun-failed-tasks or --reset-dagruns"),
        (("-s", "2021-09-16", "-c", "nps", "daily_probe"), 2, "-c is not JSON"),
        (("-s", "2021-09-16", "-c", '{"wait_for": 3}', "daily_probe"), 1, "Invalid input for param wait_for: 3"),
    ],
)
def test_what_cannot_be_done_ends_at_once(
    cli: AirflowCli, probes: AirflowApi, words: tuple[str, ...], status: int, error: str
) -> None:
    before = len(backfills(probes, words[-1]))
    done = cli.run("dags", "backfill", *words)
    assert done.status == status, done.err
    assert error in done.err
    assert len(done.err.splitlines()) == 1
    assert len(backfills(probes, words[-1])) == before


def test_days_are_those_of_the_schedule(cli: AirflowCli) -> None:
    done = cli.run("dags", "backfill", *DAYS, "--dry-run", "nine_o_clock_probe")
    assert done.out.splitlines()[1:] == [
        "  2021-09-16 07:00Z to 2021-09-17 07:00Z  new",
        "  2021-09-17 07:00Z to 2021-09-18 07:00Z  new",
    ]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--help",), "Manage DAGs"),
        (("dags", "list", "-o", "plain"), "daily_probe_failing"),
        (("dags", "backfill", "--help"), "-s 2021-09-16 -e 2021-09-17 mysql_to_redshift"),
        (("backfill", "create", "--help"), "--reprocess-behavior"),
    ],
)
def test_other_commands_are_as_ever(cli: AirflowCli, words: tuple[str, ...], said: str) -> None:
    done = cli.run(*words)
    assert done.status == 0, done.err
    assert said in done.out


def test_without_a_scheduler_nothing_is_started(engines: Stack, cli: AirflowCli, probes: AirflowApi) -> None:
    before = len(backfills(probes, "daily_probe"))
    engines.supervisor.stop("airflow-scheduler")
    try:
        done = cli.run("dags", "backfill", "-s", "2021-11-01", "daily_probe")
    finally:
        engines.supervisor.start("airflow-scheduler")
        wait_until(lambda: engines.airflow.unhealthy() is None, seconds=120, every=0.5)
    assert (done.status, "no scheduler is running" in done.err) == (1, True), done.err
    assert len(backfills(probes, "daily_probe")) == before
