"""The local stack's command line; the Makefile calls it.

python -m local up | down | status | logs | demo
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from pathlib import Path
from types import FrameType

from local import demo
from local.airbnb.__main__ import main as airbnb_main
from local.airflow_api import AirflowApi
from local.components.airflow import USER
from local.health import StackError
from local.stack import Stack, describe


def main() -> int:
    """Run one command; the exit code says whether it did what it says."""
    parser = argparse.ArgumentParser(prog="python -m local", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("up", help="start everything and leave it running")
    commands.add_parser("down", help="stop everything")
    commands.add_parser("status", help="say what runs, and where")
    commands.add_parser("logs", help="follow the logs of all programs")
    commands.add_parser("demo", help="run the pipeline once, from source to release")
    load = commands.add_parser("load-airbnb", help="replace the source data with Kaggle's own files")
    load.add_argument("directory", type=Path, help="holds train_users_2.csv, sessions.csv …, or their zip files")
    options = parser.parse_args()
    # `kill` ends it in the same orderly way as Ctrl-C.
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        if options.command == "load-airbnb":
            return _load_airbnb(options.directory)
        return {"up": _up, "down": _down, "status": _status, "logs": _logs, "demo": _demo}[options.command]()
    except StackError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _up() -> int:
    stack = Stack(say=_say)
    stack.start(detached=True)
    demo.load_source_data(stack, _say)
    demo.unpause(AirflowApi(stack.airflow))
    _print_addresses(stack)
    return 0


def _down() -> int:
    stack = Stack()
    was_running = stack.running
    stack.stop()
    print("stopped" if was_running else "nothing was running")
    return 0


def _status() -> int:
    stack = Stack()
    if not stack.running:
        print("down; start it with: make up")
        return 1
    print("\n".join(describe(stack.states())))
    _print_addresses(stack)
    return 0


def _logs() -> int:
    stack = Stack()
    files = sorted(str(path) for path in stack.home.logs.glob("*.log"))
    if not files:
        raise StackError("there are no logs yet; start the stack with: make up")
    os.execvp("tail", ["tail", "-n", "20", "-F", *files])  # noqa: S606


def _demo() -> int:
    stack = Stack(say=_say)
    if stack.running:
        stack.start()
        return demo.run(stack, _say)
    with stack:
        return demo.run(stack, _say)


def _load_airbnb(directory: Path) -> int:
    stack = Stack(say=_say)
    was_running = stack.running
    if not was_running:
        stack.launch()
    try:
        stack.start_component(stack.postgres)
        return airbnb_main(["load", str(directory), "--dsn", stack.postgres.dsn("bookings", "bookings")])
    finally:
        if not was_running:
            stack.stop()


def _print_addresses(stack: Stack) -> None:
    print(f"\nAirflow   {stack.airflow.url}  (user {USER}, password {stack.airflow.password})")
    print(f"S3        {stack.s3.endpoint_url}")
    print(f"Gretel    {stack.gretel.endpoint}")
    print("\nTry       ./airflow dags trigger gretel_synthetics_airbnb_bookings")
    print("          ./airflow dags trigger mysql_to_redshift -c '{\"full_refresh\": true}'")
    print("Stop      make down")


def _say(line: str) -> None:
    print(f"[stack] {line}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
