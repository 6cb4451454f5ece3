"""The scripts that docker-compose.yml's one-shot services run, against the real services."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import MySQLdb
import psycopg
import pytest
import requests

from local.components.gretel import Gretel
from tests.conftest import S3, MariaDB, Postgres, Redshift

pytestmark = pytest.mark.integration

REPOSITORY = Path(__file__).resolve().parents[2]
REGION = "eu-central-1"
NOBODY_LISTENS = "http://127.0.0.1:1"


def run(script: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a script as its container does: nothing but these variables."""
    return subprocess.run(
        [sys.executable, f"docker/{script}"],
        cwd=REPOSITORY,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(REPOSITORY), **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def s3_environment(s3: S3, bucket: str) -> dict[str, str]:
    return {
        "S3_ENDPOINT_URL": s3.endpoint_url,
        "S3_BUCKET": bucket,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": s3.access_key,
        "AWS_SECRET_ACCESS_KEY": s3.secret_key,
    }


def test_bucket_is_created_once_and_forgets_raw_extracts(s3: S3) -> None:
    environment = s3_environment(s3, "init-bucket")
    assert run("init_s3.py", **environment).returncode == 0
    s3.client().put_object(Bucket="init-bucket", Key="released/kept", Body=b"1")
    again = run("init_s3.py", **environment)
    assert again.returncode == 0, again.stderr
    assert s3.client().list_objects_v2(Bucket="init-bucket")["KeyCount"] == 1
    rules = s3.client().get_bucket_lifecycle_configuration(Bucket="init-bucket")["Rules"]
    assert rules == json.loads((REPOSITORY / "docker/bucket-lifecycle.json").read_text())["Rules"]


def test_unreachable_s3_is_one_clear_error(s3: S3) -> None:
    done = run("init_s3.py", **s3_environment(s3, "no-bucket") | {"S3_ENDPOINT_URL": NOBODY_LISTENS})
    assert done.returncode == 1
    assert f"cannot prepare bucket no-bucket at {NOBODY_LISTENS}" in done.stderr
    assert s3.secret_key not in done.stderr
    assert "Traceback" not in done.stderr


def test_project_is_created_once(gretel: Gretel) -> None:
    environment = {
        "GRETEL_ENDPOINT": gretel.endpoint,
        "GRETEL_API_KEY": gretel.api_key,
        "GRETEL_PROJECT": "made-by-init",
    }
    first, second = run("init_gretel.py", **environment), run("init_gretel.py", **environment)
    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    assert "created project made-by-init" in first.stderr
    assert "project made-by-init exists" in second.stderr
    found = requests.get(
        f"{gretel.endpoint}/projects/made-by-init", headers={"Authorization": gretel.api_key}, timeout=10
    )
    assert found.json()["data"]["project"]["name"] == "made-by-init"


def test_wrong_key_is_one_clear_error(gretel: Gretel) -> None:
    done = run(
        "init_gretel.py",
        GRETEL_ENDPOINT=gretel.endpoint,
        GRETEL_API_KEY="grtu" + "0" * 48,
        GRETEL_PROJECT="made-by-nobody",
    )
    assert done.returncode == 1
    assert f"cannot prepare project made-by-nobody at {gretel.endpoint}: 401" in done.stderr
    assert "Traceback" not in done.stderr


def pg_environment(dsn: str, **changes: object) -> dict[str, str]:
    parts = psycopg.conninfo.conninfo_to_dict(dsn) | changes
    names = {"host": "PGHOST", "port": "PGPORT", "dbname": "PGDATABASE", "user": "PGUSER", "password": "PGPASSWORD"}
    return {variable: str(parts[name]) for name, variable in names.items()}


def test_bookings_are_generated_into_an_empty_database_alone(postgres: Postgres) -> None:
    dsn = postgres.fresh_database("init_bookings")
    environment = pg_environment(dsn)
    first = run("init_bookings.py", **environment)
    assert first.returncode == 0, first.stderr
    with psycopg.connect(dsn, autocommit=True) as connection:
        (users,) = connection.execute("SELECT count(*) FROM users").fetchone() or (0,)
        assert f"loaded {users:,} users" in first.stderr
        connection.execute("DELETE FROM users WHERE id = (SELECT min(id) FROM users)")
        assert run("init_bookings.py", **environment).returncode == 0
        assert connection.execute("SELECT count(*) FROM users").fetchone() == (users - 1,)


def test_answers_are_generated_into_an_empty_database_alone(mariadb: MariaDB) -> None:
    arguments = mariadb.fresh_database("init_nps")
    environment = {f"MYSQL_{name.upper()}": str(value) for name, value in arguments.items()}
    first = run("init_nps.py", **environment)
    assert first.returncode == 0, first.stderr
    with closing(MySQLdb.connect(**arguments, autocommit=True)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM nps")
        ((answers,),) = cursor.fetchall()
        assert f"loaded {answers:,} nps" in first.stderr
        cursor.execute("DELETE FROM nps ORDER BY id LIMIT 1")
        assert run("init_nps.py", **environment).returncode == 0
        cursor.execute("SELECT count(*) FROM nps")
        assert cursor.fetchall() == ((answers - 1,),)


def test_readers_of_the_warehouse_are_let_in(redshift: Redshift, postgres: Postgres) -> None:
    dsn = redshift.fresh_database("init_redshift")
    database = psycopg.conninfo.conninfo_to_dict(dsn)["dbname"]
    # In its container the user who loads is the one who administers.
    administrator = pg_environment(postgres.dsn("postgres"), port=redshift.port, dbname=database)
    for _ in range(2):
        done = run("init_redshift.py", **administrator)
        assert (done.returncode, done.stderr) == (0, "role analysts may enter schema analytics\n")
    with psycopg.connect(postgres.dsn(str(database))) as connection:
        found = connection.execute("SELECT has_schema_privilege('analysts', 'analytics', 'USAGE')").fetchone()
    assert found == (True,)

    done = run("init_redshift.py", **pg_environment(dsn))
    assert done.returncode == 1
    assert "cannot prepare the warehouse at 127.0.0.1: permission denied to create role" in done.stderr
    assert "Traceback" not in done.stderr
