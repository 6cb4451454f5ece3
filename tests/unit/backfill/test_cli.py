"""How the command gets into Airflow's command line, and what happens when Airflow's structures change."""

from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.cli import cli_parser
from airflow.cli.cli_config import DefaultHelpParser, GroupCommand, core_commands
from airflow.cli.cli_parser import _add_command, get_parser

from backfill.cli import get_cli_commands


def dags_group(commands: list[Any]) -> GroupCommand:
    [group] = [command for command in commands if command.name == "dags"]
    return group


def with_commands(monkeypatch: pytest.MonkeyPatch, commands: Any) -> Any:
    """Let Airflow's private list of commands be another one."""
    replaced = SimpleNamespace(airflow_commands=commands)
    monkeypatch.setitem(sys.modules, "airflow.cli.cli_parser", replaced)
    return replaced


def test_the_installed_airflow_has_the_command() -> None:
    names = [command.name for command in dags_group(cli_parser.airflow_commands).subcommands]
    assert names.count("backfill") == 1
    assert {command.name for command in dags_group(core_commands).subcommands} == set(names) - {"backfill"}


def test_it_parses_beside_the_other_commands() -> None:
    args = get_parser().parse_args(["dags", "backfill", "-s", "2021-09-16", "-e", "2021-09-17", "some_dag"])
    assert (args.dag_id, args.start_date, args.end_date) == ("some_dag", "2021-09-16", "2021-09-17")
    assert get_parser().parse_args(["dags", "list"]).func.__name__ == "dag_list_dags"


def test_help_says_what_a_range_covers(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        get_parser().parse_args(["dags", "backfill", "--help"])
    text = " ".join(capsys.readouterr().out.split())
    assert "-s 2021-09-16 -e 2021-09-17 mysql_to_redshift" in text
    assert "2021-09-16 00:00 to 2021-09-17 00:00, and 2021-09-17 00:00 to 2021-09-18 00:00" in text
    assert "Exit status: 0 every run of the range has succeeded" in text


@pytest.mark.parametrize(
    "commands",
    [
        [command for command in core_commands if command.name != "dags"],
        [*core_commands, dags_group(core_commands)],
        [command._asdict() for command in core_commands],
        [SimpleNamespace(name="dags", subcommands=())],
        None,
    ],
    ids=["no group dags", "two groups dags", "dicts", "no named tuples", "no list"],
)
def test_changed_structures_are_left_alone(monkeypatch: pytest.MonkeyPatch, commands: Any) -> None:
    before = list(commands or [])
    replaced = with_commands(monkeypatch, commands)
    with pytest.warns(UserWarning, match=r"`airflow dags backfill` does not fit Airflow 3\."):
        assert get_cli_commands() == []
    assert list(replaced.airflow_commands or []) == before


def test_options_that_airflow_cannot_take_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    commands = list(core_commands)
    with_commands(monkeypatch, commands)
    monkeypatch.setattr("airflow.cli.cli_config.Arg.add_to_parser", lambda _arg, _parser: 1 / 0)
    with pytest.warns(UserWarning, match="ZeroDivisionError"):
        get_cli_commands()
    assert commands == core_commands


def test_without_it_airflow_says_what_to_use_instead(capsys: pytest.CaptureFixture[str]) -> None:
    parser = DefaultHelpParser(prog="airflow")
    subparsers = parser.add_subparsers(dest="subcommand")
    _add_command(subparsers, dags_group(core_commands))
    with pytest.raises(SystemExit, match="2"):
        parser.parse_args(["dags", "backfill", "some_dag"])
    assert "Command `dags backfill` has been removed. Please use `airflow backfill create`" in capsys.readouterr().err


def test_a_command_that_airflow_brings_back_itself_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    group = dags_group(core_commands)
    own = next(iter(group.subcommands))._replace(name="backfill")
    commands = [group._replace(subcommands=(*group.subcommands, own))]
    with_commands(monkeypatch, commands)
    get_cli_commands()
    assert [command for command in commands[0].subcommands if command.name == "backfill"] == [own]


def test_changed_models_end_in_airflows_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "backfill.command", None)  # what a failing import looks like
    args = get_parser().parse_args(["dags", "backfill", "-s", "2021-09-16", "some_dag"])
    with pytest.raises(SystemExit, match=r"has been removed\. Please use `airflow backfill create`"):
        args.func(args)


def test_other_commands_do_not_pay_for_it() -> None:
    script = "import sys, airflow.cli.cli_parser; print(*(name for name in sys.modules if name.startswith('backfill')))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=120)
    assert sorted(done.stdout.split()) == ["backfill", "backfill.cli"]
