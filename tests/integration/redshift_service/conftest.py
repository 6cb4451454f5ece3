"""A service of the tests' own, over the stack's PostgreSQL and S3."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import S3, Postgres
from tests.integration.redshift_service.service import Service


@pytest.fixture
def start(tmp_path: Path, postgres: Postgres, s3: S3) -> Iterator[Callable[..., Service]]:
    """Start services, which end with the test."""
    started: list[Service] = []

    def run(backend_dsn: str | None = None, s3_endpoint_url: str | None = None) -> Service:
        log = tmp_path / f"service{len(started)}.log"
        keys = (s3.access_key, s3.secret_key)
        dsn = backend_dsn or postgres.dsn("postgres")
        started.append(Service(dsn, s3_endpoint_url or s3.endpoint_url, log, keys=keys))
        return started[-1]

    yield run
    for service in started:
        service.stop()


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, postgres: Postgres, s3: S3) -> Iterator[Service]:
    """A service that the module's tests share."""
    log = tmp_path_factory.mktemp("redshift") / "service.log"
    running = Service(postgres.dsn("postgres"), s3.endpoint_url, log, keys=(s3.access_key, s3.secret_key))
    yield running
    assert running.stop() == 0


@pytest.fixture
def database(postgres: Postgres) -> str:
    """The DSN, at PostgreSQL itself, of a database of the test's own."""
    return postgres.fresh_database("redshift_service")
