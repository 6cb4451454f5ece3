"""Airflow itself: api-server, scheduler, dag-processor and triggerer, as in production, with a LocalExecutor."""

from __future__ import annotations

import base64
import json
import sys
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path

import requests

from local.components.base import Component, run
from local.components.postgres import Postgres
from local.settings import REPOSITORY, Home
from local.supervision import Program

USER = "admin"
# About Airflow's own code, in every command's output and every task's log.
AIRFLOWS_OWN_WARNINGS = "ignore:GitWildMatchPattern:DeprecationWarning,ignore:Could not import graphviz:UserWarning"
PROCESSES = ("api-server", "scheduler", "dag-processor", "triggerer")


class Airflow(Component):
    """The four processes of one Airflow deployment.

    :param connections: Airflow connections (id → URI or JSON) that its tasks shall see.
    :param dags_folder: the DAG files it serves.
    """

    name = "airflow"
    start_seconds = 180.0

    def __init__(
        self, home: Home, postgres: Postgres, connections: Mapping[str, str], dags_folder: Path = REPOSITORY / "dags"
    ) -> None:
        """Bind to the stack at `home`; nothing is started."""
        super().__init__(home)
        self._postgres = postgres
        self._connections = connections
        self._dags_folder = dags_folder

    @property
    def port(self) -> int:
        """The TCP port of web UI and API."""
        return self.home.port("airflow", 8080)

    @property
    def ports(self) -> tuple[int, ...]:
        """The port above, and those on which scheduler and triggerer hand out the logs of running tasks."""
        return (self.port, self._worker_log_port, self._trigger_log_port)

    @property
    def _worker_log_port(self) -> int:
        return self.home.port("airflow_worker_log", 8793)

    @property
    def _trigger_log_port(self) -> int:
        return self.home.port("airflow_trigger_log", 8794)

    @property
    def url(self) -> str:
        """The web UI's address."""
        return f"http://localhost:{self.port}"

    @property
    def password(self) -> str:
        """The password of the user `admin`."""
        return self.home.secret("airflow_admin")[:16]

    @property
    def env(self) -> dict[str, str]:
        """The environment of every Airflow process and of `./airflow`."""
        airflow_home = self.home.path / "airflow"
        passwords = airflow_home / "passwords.json"
        return {
            "AIRFLOW_HOME": str(airflow_home),
            "PYTHONWARNINGS": AIRFLOWS_OWN_WARNINGS,
            "AIRFLOW__CORE__DAGS_FOLDER": str(self._dags_folder),
            "AIRFLOW__CORE__PLUGINS_FOLDER": str(REPOSITORY / "plugins"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
            "AIRFLOW__CORE__PARALLELISM": "4",
            "AIRFLOW__CORE__FERNET_KEY": self._fernet_key,
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{self.port}/execution/",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": f"{USER}:admin",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(passwords),
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": self._postgres.dsn("airflow", "airflow").replace(
                "postgresql://", "postgresql+psycopg2://"
            ),
            "AIRFLOW__API__HOST": "127.0.0.1",
            "AIRFLOW__API__PORT": str(self.port),
            "AIRFLOW__API__BASE_URL": self.url,
            "AIRFLOW__API__WORKERS": "1",
            "AIRFLOW__API_AUTH__JWT_SECRET": self.home.secret("airflow_jwt"),
            "AIRFLOW__API__SECRET_KEY": self.home.secret("airflow_api"),
            "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "10",
            "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "10",
            "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
            "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(self._worker_log_port),
            "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": str(self._trigger_log_port),
            "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(self.home.path / "airflow" / "logs"),
            **{f"AIRFLOW_CONN_{name.upper()}": value for name, value in self._connections.items()},
        }

    def prepare(self) -> None:
        """Write the login."""
        airflow_home = self.home.folder("airflow", mode=0o700)
        (airflow_home / "passwords.json").write_text(json.dumps({USER: self.password}))

    def migrate(self) -> None:
        """Create or upgrade the metadata database."""
        run([sys.executable, "-m", "airflow", "db", "migrate"], env=self.env)

    def programs(self) -> Sequence[Program]:
        """The four processes."""
        return [
            Program(f"airflow-{process}", [sys.executable, "-m", "airflow", process], self.env) for process in PROCESSES
        ]

    def unhealthy(self) -> str | None:
        """Airflow's own view of its four parts."""
        try:
            parts = requests.get(f"http://127.0.0.1:{self.port}/api/v2/monitor/health", timeout=5).json()
        except requests.RequestException as error:
            return f"Airflow's api-server: {error}"
        ill = [name for name, part in parts.items() if part["status"] != "healthy"]
        return f"not healthy yet: {', '.join(ill)}" if ill else None

    def after_start(self) -> None:
        """Nothing to create: DAGs are found by the dag-processor."""

    @property
    def _fernet_key(self) -> str:
        return base64.urlsafe_b64encode(sha256(self.home.secret("airflow_fernet").encode()).digest()).decode()
