"""Airflow's connections: the ids that the code uses, as on the laptop, and each leads to its service."""

from __future__ import annotations

import ast
import json
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from psycopg2.extensions import parse_dsn

from local.nps.analysts import ROLE, SCHEMA
from local.stack import Stack
from services.gretel.settings import parse_api_keys
from synthetics.release import run_folder
from tests.support.containers import AIRFLOW, REPOSITORY, SERVICES, STAGES
from warehouse.config_file import load_tables
from warehouse.summary import read_summaries

Services = dict[str, dict[str, Any]]


def connections(services: Services) -> dict[str, dict[str, Any]]:
    prefix = "AIRFLOW_CONN_"
    environment = services["airflow-worker"]["environment"]
    found = {name: value for name, value in environment.items() if name.startswith(prefix)}
    return {name.removeprefix(prefix).lower(): json.loads(value) for name, value in found.items()}


def used_connection_ids() -> set[str]:
    """Ids that DAGs name: arguments, and defaults of parameters, that are called …conn_id."""
    found = set()
    for path in REPOSITORY.glob("dags/**/*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.keyword):
                found |= _conn_id(node.arg, node.value)
            elif isinstance(node, ast.arguments):
                positional = [*node.posonlyargs, *node.args]
                with_default = positional[len(positional) - len(node.defaults) :]
                defaults = [*node.defaults, *node.kw_defaults]
                for argument, default in zip([*with_default, *node.kwonlyargs], defaults, strict=True):
                    found |= _conn_id(argument.arg, default)
    return found


def _conn_id(name: str | None, value: ast.expr | None) -> set[str]:
    named = name is not None and name.endswith("conn_id")
    return {value.value} if named and isinstance(value, ast.Constant) and isinstance(value.value, str) else set()


def test_every_connection_that_is_used_exists_here_and_on_the_laptop(services: Services, laptop: Stack) -> None:
    used = used_connection_ids()
    assert {"bookings_db", "aws_default", "gretel_default"} <= used
    assert used - connections(services).keys() == set()
    assert used - laptop.connections.keys() == set()


def test_all_parts_of_airflow_see_the_same() -> None:
    common = SERVICES["airflow-worker"]["environment"]
    assert {name: service["environment"] | common for name, service in AIRFLOW.items()} == {
        name: service["environment"] for name, service in AIRFLOW.items()
    }
    assert len(AIRFLOW) == 6


def test_bookings_db_leads_to_the_service(services: Services) -> None:
    connection, server = connections(services)["bookings_db"], services["bookings"]
    assert (connection["conn_type"], connection["host"], connection["port"]) == ("postgres", "bookings", 5432)
    assert server["environment"] == {
        "POSTGRES_DB": connection["schema"],
        "POSTGRES_USER": connection["login"],
        "POSTGRES_PASSWORD": connection["password"],
    }


def test_aws_default_leads_to_the_service_and_is_shaped_as_on_the_laptop(services: Services, laptop: Stack) -> None:
    connection, server = connections(services)["aws_default"], services["s3"]
    assert connection["extra"].pop("endpoint_url") == "http://s3:8333"
    assert "-s3.port=8333" in server["command"]
    assert server["environment"] == {
        "AWS_ACCESS_KEY_ID": connection["login"],
        "AWS_SECRET_ACCESS_KEY": connection["password"],
    }
    on_laptop = json.loads(laptop.connections["aws_default"])
    del on_laptop["extra"]["endpoint_url"]
    assert connection["extra"] == on_laptop["extra"]
    assert connection["conn_type"] == on_laptop["conn_type"]


def test_gretel_default_leads_to_the_service_and_is_shaped_as_on_the_laptop(services: Services, laptop: Stack) -> None:
    connection, server = connections(services)["gretel_default"], services["gretel"]
    port = STAGES["gretel"].command[STAGES["gretel"].command.index("--port") + 1]
    assert connection["host"] == f"http://gretel:{port}"
    (key,) = parse_api_keys(server["environment"]["GRETEL_SERVICE_API_KEYS"])
    assert key.key == connection["password"]
    on_laptop = json.loads(laptop.connections["gretel_default"])
    # Between containers plain http is not loopback, which the hook would refuse.
    assert connection["extra"] == on_laptop["extra"] | {"allow_http": True}
    assert connection["conn_type"] == on_laptop["conn_type"]


def test_mysql_prod_leads_to_the_service_and_is_shaped_as_on_the_laptop(services: Services, laptop: Stack) -> None:
    connection, server = connections(services)["mysql_prod"], services["mysql"]
    assert (connection["conn_type"], connection["host"], connection["port"]) == ("mysql", "mysql", 3306)
    assert {name: value for name, value in server["environment"].items() if name != "MYSQL_ROOT_PASSWORD"} == {
        "MYSQL_DATABASE": connection["schema"],
        "MYSQL_USER": connection["login"],
        "MYSQL_PASSWORD": connection["password"],
    }
    on_laptop = urlsplit(laptop.connections["mysql_prod"])
    assert connection["schema"] == on_laptop.path.removeprefix("/")
    assert connection["extra"] == dict(parse_qsl(on_laptop.query))


def test_redshift_default_leads_to_the_service_and_is_shaped_as_on_the_laptop(
    services: Services, laptop: Stack
) -> None:
    connection, server = connections(services)["redshift_default"], services["redshift"]
    on_laptop = json.loads(laptop.connections["redshift_default"])
    same = ("conn_type", "schema", "login", "extra")
    assert {name: connection[name] for name in same} == {name: on_laptop[name] for name in same}
    assert (connection["host"], connection["port"]) == ("redshift", 5439)
    assert {"--port=5439", f"--iam-role={connection['extra']['role_arn']}"} <= set(server["command"])
    assert f"--s3-endpoint-url={connections(services)['aws_default']['extra']['endpoint_url']}" in server["command"]
    storage = services["redshift-storage"]["environment"]
    assert parse_dsn(server["environment"]["REDSHIFT_BACKEND_DSN"]) == {
        "host": "redshift-storage",
        "port": "5432",
        "dbname": storage["POSTGRES_DB"],
        "user": storage["POSTGRES_USER"],
        "password": storage["POSTGRES_PASSWORD"],
    }
    assert (connection["schema"], connection["login"], connection["password"]) == tuple(storage.values())


def test_init_services_use_the_same_addresses_and_secrets(services: Services) -> None:
    known = connections(services)
    gretel = services["gretel-init"]["environment"]
    assert gretel == {
        "GRETEL_ENDPOINT": known["gretel_default"]["host"],
        "GRETEL_API_KEY": known["gretel_default"]["password"],
        "GRETEL_PROJECT": known["gretel_default"]["extra"]["project"],
    }
    s3 = services["s3-init"]["environment"]
    assert s3["S3_ENDPOINT_URL"] == known["aws_default"]["extra"]["endpoint_url"]
    assert s3["S3_BUCKET"] == known["aws_default"]["extra"]["service_config"]["s3"]["bucket_name"]
    assert services["bookings-init"]["environment"] == {
        "PGHOST": known["bookings_db"]["host"],
        "PGDATABASE": known["bookings_db"]["schema"],
        "PGUSER": known["bookings_db"]["login"],
        "PGPASSWORD": known["bookings_db"]["password"],
    }
    assert services["mysql-init"]["environment"] == {
        "MYSQL_HOST": known["mysql_prod"]["host"],
        "MYSQL_PORT": str(known["mysql_prod"]["port"]),
        "MYSQL_DATABASE": known["mysql_prod"]["schema"],
        "MYSQL_USER": known["mysql_prod"]["login"],
        "MYSQL_PASSWORD": known["mysql_prod"]["password"],
    }
    assert services["redshift-init"]["environment"] == {
        "PGHOST": known["redshift_default"]["host"],
        "PGPORT": str(known["redshift_default"]["port"]),
        "PGDATABASE": known["redshift_default"]["schema"],
        "PGUSER": known["redshift_default"]["login"],
        "PGPASSWORD": known["redshift_default"]["password"],
    }


def test_readers_of_the_warehouse_are_those_whom_the_set_up_creates() -> None:
    """By local/components/redshift.py on a laptop, by redshift-init in containers."""
    granting = [*load_tables(REPOSITORY / "dags/warehouse/tables.yml"), *read_summaries()]
    assert {grantee for each in granting for grantee in each.grants} == {f"role {ROLE}"}
    assert {each.target.split(".")[0] for each in granting} == {SCHEMA}
    assert [each.name for each in granting if each.grants] == ["nps", "nps_summary"]


def test_raw_extracts_expire() -> None:
    expiring, broken_off = json.loads((REPOSITORY / "docker/bucket-lifecycle.json").read_text())["Rules"]
    assert run_folder("raw", "a_dag", "a_run").startswith(expiring["Filter"]["Prefix"])
    assert not run_folder("released", "a_dag", "a_run").startswith(expiring["Filter"]["Prefix"])
    assert "Expiration" not in broken_off
    assert {rule["Status"] for rule in (expiring, broken_off)} == {"Enabled"}
