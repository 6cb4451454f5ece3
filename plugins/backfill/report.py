"""What the command says: the plan, the outcome, and where to look."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

from airflow.configuration import conf

from backfill.backfills import failed_tasks
from backfill.errors import BackfillError
from backfill.plan import Plan, PlannedRun
from backfill.progress import RunState
from backfill.terminal import Terminal, interval


def show(plan: Plan, terminal: Terminal) -> None:
    """Say what the backfill does with every interval of its range."""
    terminal.say(f"{plan.dag_id}: {count_runs(len(plan.attempted))} to start")
    for run in plan.runs:
        terminal.say(f"  {interval(run.start, run.end)}  {_intention(run)}")
    if plan.unfinished:
        terminal.say(f"  {interval(plan.unfinished, plan.unfinished)}  left out: the interval is not over yet")
    if not all(run.attempted for run in plan.runs):
        terminal.say(
            "Runs that exist are left as they are. To run them again: --reset-dagruns; only those that failed: "
            "--rerun-failed-tasks"
        )


def _intention(run: PlannedRun) -> str:
    if run.state is None:
        return "new"
    return f"exists ({run.state}): " + ("run again" if run.attempted else "left as it is")


def tell_nothing_to_do(plan: Plan, terminal: Terminal) -> None:
    """Say that all runs exist.

    :raises BackfillError: unless they have succeeded.
    """
    unsuccessful = [run for run in plan.runs if run.state != "success"]
    if unsuccessful:
        raise BackfillError(
            f"nothing was started, and {len(unsuccessful)} of {count_runs(len(plan.runs))} have not succeeded"
        )
    terminal.say("There is nothing to do: all of them exist already and have succeeded.")


def tell_outcome(plan: Plan, runs: Sequence[RunState], terminal: Terminal) -> None:
    """Say how it ended.

    :raises BackfillError: unless every run of the range has succeeded, left ones included.
    """
    unsuccessful = [run for run in runs if run.state != "success"]
    if not unsuccessful:
        terminal.say(f"{plan.dag_id}: {count_runs(len(runs))} succeeded.")
        return
    tasks = failed_tasks(plan.dag_id, [run.run_id for run in unsuccessful if run.run_id])
    lines = [f"{len(unsuccessful)} of {count_runs(len(runs))} of {plan.dag_id} did not succeed"]
    lines += [_explain(plan.dag_id, run, tasks.get(run.run_id or "", [])) for run in unsuccessful]
    if any(run.state == "failed" for run in unsuccessful):
        lines.append("To run the failed ones again, add --rerun-failed-tasks to the same command.")
    raise BackfillError("\n".join(lines))


def _explain(dag_id: str, run: RunState, tasks: Sequence[str]) -> str:
    label = f"  {interval(run.start, run.end)}  {run.state}"
    if run.run_id is None:
        return f"{label}: the run was deleted"
    if run.skipped:
        label += " before, and left as it is" if run.state == "failed" else ", started by something else"
    elif run.state == "failed":
        label += f": {', '.join(tasks)}" if tasks else ": no task failed, so it was cancelled or marked as failed"
    return label + page(dag_id, f"runs/{quote(run.run_id)}")


def goes_on(dag_id: str, backfill_id: int, reprocess: str) -> str:
    """Say what an interruption did not stop."""
    but = ", without --reset-dagruns" if reprocess == "completed" else ""
    return (
        f"\nInterrupted: backfill {backfill_id} of {dag_id} goes on in Airflow.\n"
        f"  follow it again   run the same command again{but}\n"
        f"  pause or cancel   in the web UI{page(dag_id, 'backfills')},\n"
        f"                    or by PUT /api/v2/backfills/{backfill_id}/pause, /unpause or /cancel\n"
    )


def page(dag_id: str, page: str) -> str:
    """Where in the web UI, if its address is configured."""
    base = conf.get("api", "base_url", fallback="").rstrip("/")
    return f" ({base}/dags/{quote(dag_id)}/{page})" if base else f" (/dags/{quote(dag_id)}/{page})"


def count_runs(count: int) -> str:
    """Write a number of runs."""
    return f"{count} run" if count == 1 else f"{count} runs"
