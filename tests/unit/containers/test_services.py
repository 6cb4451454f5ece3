"""The services: who they run as, what they wait for, where they listen, and how their health is checked."""

from __future__ import annotations

import importlib.metadata
import re
from pkgutil import resolve_name
from typing import Any
from urllib.parse import urlsplit

from airflow.configuration import conf
from packaging.utils import canonicalize_name

from local.stack import Stack
from tests.support.containers import (
    AIRFLOW,
    ARGUMENTS,
    LONG_RUNNING,
    ONE_SHOT,
    REPOSITORY,
    SERVICES,
    STAGES,
    read_lock,
)

Services = dict[str, dict[str, Any]]

# Health check command → the images that have it.
PROVIDED_BY = {
    "pg_isready": ("postgres",),
    "valkey-cli": ("valkey/valkey",),
    "curl": ("airflow", "chrislusf/seaweedfs"),  # a Debian package; the other image's Dockerfile installs it
    "python": ("gretel", "redshift"),
    "mysql": ("mysql",),
    "airflow": ("airflow",),
    "celery": ("airflow",),
}


def test_long_running_ones_restart_and_are_watched() -> None:
    assert {name for name, service in LONG_RUNNING.items() if service["restart"] != "unless-stopped"} == set()
    assert {name for name, service in LONG_RUNNING.items() if "test" not in service.get("healthcheck", {})} == set()


def test_one_shot_ones_are_awaited() -> None:
    """Otherwise `docker compose up --wait` calls their end a failure."""
    awaited = {
        name
        for service in LONG_RUNNING.values()
        for name, needed in service.get("depends_on", {}).items()
        if needed["condition"] == "service_completed_successfully"
    }
    assert awaited == ONE_SHOT.keys()


def test_dependencies_exist_and_are_optional_where_a_profile_can_leave_them_out() -> None:
    for name, service in SERVICES.items():
        for other, needed in service.get("depends_on", {}).items():
            left_out = set(SERVICES[other].get("profiles", [])) - set(service.get("profiles", []))
            assert needed.get("required", True) is not bool(left_out), f"{name} → {other}"
            assert needed["condition"] != "service_started", f"{name} → {other}"


def test_nobody_is_root() -> None:
    users = {
        name: STAGES[service["build"]["target"]].user if "build" in service else service.get("user", "root")
        for name, service in SERVICES.items()
    }
    assert {name: user for name, user in users.items() if user.split(":")[0] in {"root", "0"}} == {}
    assert {name for name, service in SERVICES.items() if service["cap_drop"] != ["ALL"]} == set()
    assert {name for name, service in SERVICES.items() if "privileged" in service or "cap_add" in service} == set()


def test_images_are_pinned() -> None:
    foreign = {service["image"] for service in SERVICES.values() if "build" not in service}
    assert [image for image in foreign if not re.fullmatch(r"[\w./-]+:\d+\.\d+(\.\d+)?", image)] == []
    assert re.fullmatch(r"python:3\.\d+\.\d+-slim-\w+", ARGUMENTS["PYTHON_IMAGE"])
    assert {stage.base for stage in STAGES.values()} - STAGES.keys() == {"${PYTHON_IMAGE}"}
    built = {service["image"] for service in SERVICES.values() if "build" in service}
    assert all(image.endswith(":${IMAGE_TAG:?set it in .env (make env)}") for image in built)


def test_ports_are_published_on_this_machine_alone_where_the_laptop_has_them(services: Services) -> None:
    published = {}
    for name, service in services.items():
        for port in service.get("ports", []):
            address, outside, inside = port.split(":")
            assert address == "127.0.0.1", f"{name}: {port}"
            published[name] = (int(outside), int(inside))
    source = "".join(path.read_text() for path in (REPOSITORY / "local/components").glob("*.py"))
    laptop_ports = {name: int(port) for name, port in re.findall(r'home\.port\("(\w+)", (\d+)\)', source)}
    assert published == {
        "airflow-api-server": (laptop_ports["airflow"], conf.getint("api", "port")),
        "bookings": (laptop_ports["postgres"], 5432),
        "s3": (laptop_ports["s3"], 8333),
        "gretel": (laptop_ports["gretel"], 8100),
        "mysql": (laptop_ports["mariadb"], 3306),
        "redshift": (laptop_ports["redshift"], 5439),
    }


def test_airflow_is_where_its_parts_look_for_it(services: Services, settings: dict[str, str]) -> None:
    environment = services["airflow-worker"]["environment"]
    execution_api = urlsplit(environment["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"])
    assert (execution_api.hostname, execution_api.port) == ("airflow-api-server", conf.getint("api", "port"))
    assert urlsplit(settings["AIRFLOW_BASE_URL"]).port == int(settings["AIRFLOW_PORT"])
    assert urlsplit(environment["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"]).hostname == "postgres"
    assert environment["AIRFLOW__CELERY__RESULT_BACKEND"] == (
        "db+" + environment["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"]
    )
    broker = urlsplit(environment["AIRFLOW__CELERY__BROKER_URL"])
    assert (broker.hostname, broker.password) == ("redis", services["redis"]["environment"]["REDISCLI_AUTH"])
    assert broker.password in services["redis"]["command"]


def test_airflow_is_set_up_as_on_the_laptop(services: Services, laptop: Stack) -> None:
    here = STAGES["airflow"].environment | services["airflow-api-server"]["environment"]
    only_on_laptop = {
        # Defaults are right in a container: all addresses, ports of its own, logs below AIRFLOW_HOME.
        "AIRFLOW__API__HOST",
        "AIRFLOW__API__PORT",
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER",
        "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT",
        "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT",
        # A laptop does less at a time; here WORKER_CONCURRENCY says how much.
        "AIRFLOW__API__WORKERS",
        "AIRFLOW__CORE__PARALLELISM",
    }
    on_laptop = {name for name in laptop.airflow.env if name.startswith("AIRFLOW__")}
    assert on_laptop - here.keys() <= only_on_laptop
    for name in ("CORE__LOAD_EXAMPLES", "DAG_PROCESSOR__REFRESH_INTERVAL", "USAGE_DATA_COLLECTION__ENABLED"):
        assert here[f"AIRFLOW__{name}"] == laptop.airflow.env[f"AIRFLOW__{name}"]


def test_each_command_exists_in_its_image() -> None:
    for name, service in LONG_RUNNING.items():
        kind, *words = service["healthcheck"]["test"]
        # A shell's line may begin with variables.
        words = [word for word in words[0].split() if "=" not in word] if kind == "CMD-SHELL" else words
        command = words[0]
        image = service["build"]["target"] if "build" in service else service["image"].split(":")[0]
        assert image in PROVIDED_BY[command], f"{name}: {command}"
    assert "curl" in STAGES["airflow"].packages
    locked = {pin.split("==")[0] for pin in read_lock("docker/requirements-airflow.txt")}
    scripts = {s.name: s.dist for s in importlib.metadata.entry_points(group="console_scripts") if s.dist}
    for command in ("airflow", "celery"):
        assert canonicalize_name(scripts[command].name) in locked


def test_they_ask_what_airflow_serves() -> None:
    def test_of(name: str) -> str:
        return " ".join(SERVICES[name]["healthcheck"]["test"])

    assert f":{conf.getint('api', 'port')}/api/v2/monitor/health" in test_of("airflow-api-server")
    port = conf.getint("scheduler", "scheduler_health_check_server_port")
    assert f":{port}/health" in test_of("airflow-scheduler")
    assert AIRFLOW["airflow-scheduler"]["environment"]["AIRFLOW__SCHEDULER__ENABLE_HEALTH_CHECK"] == "True"
    assert "jobs check --job-type DagProcessorJob" in test_of("airflow-dag-processor")
    assert "jobs check --job-type TriggererJob" in test_of("airflow-triggerer")
    application = re.search(r"celery --app (\S+) inspect ping", test_of("airflow-worker"))
    assert application
    assert resolve_name(application[1]).control.inspect  # a Celery application
