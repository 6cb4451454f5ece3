"""The Redshift endpoint of this repository (services/redshift), over the stack's PostgreSQL."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from contextlib import closing

import psycopg2
from psycopg2.extensions import make_dsn

from local.components.base import Component
from local.components.postgres import Postgres
from local.components.s3 import REGION, S3Server
from local.nps.analysts import admit
from local.settings import Home
from local.supervision import Program

DATABASE = "warehouse"
USER = "warehouse"
COPY_ROLE = "arn:aws:iam::000000000000:role/redshift-copy"


class Redshift(Component):
    """The endpoint and its database `warehouse`."""

    name = "redshift"

    def __init__(self, home: Home, postgres: Postgres, s3: S3Server) -> None:
        """Bind to the stack at `home`; nothing is started."""
        super().__init__(home)
        self._postgres = postgres
        self._s3 = s3

    @property
    def port(self) -> int:
        """The TCP port."""
        return self.home.port("redshift", 5439)

    def dsn(self, database: str = DATABASE) -> str:
        """Return the libpq URI of a database behind the endpoint."""
        return f"postgresql://{USER}:{self.home.secret(f'postgres_{USER}')}@127.0.0.1:{self.port}/{database}"

    def create_database(self, database: str) -> str:
        """Create a database behind the endpoint unless it exists; return its DSN."""
        self._postgres.create_database(database, owner=USER)
        return self.dsn(database)

    def prepare(self) -> None:
        """Nothing to prepare: it stores in PostgreSQL."""

    def programs(self) -> Sequence[Program]:
        """The endpoint."""
        command = [sys.executable, "-m", "services.redshift", "--host", "127.0.0.1", "--port", str(self.port)]
        command += ["--s3-endpoint-url", self._s3.endpoint_url, "--iam-role", COPY_ROLE]
        env = {
            "REDSHIFT_BACKEND_DSN": self._postgres.dsn("postgres"),
            # What the role stands for: the endpoint reads S3 with these.
            "AWS_ACCESS_KEY_ID": self._s3.access_key,
            "AWS_SECRET_ACCESS_KEY": self._s3.secret_key,
            "AWS_DEFAULT_REGION": REGION,
        }
        return [Program(self.name, command, env)]

    def unhealthy(self) -> str | None:
        """Whether it answers a query."""
        try:
            self._postgres.create_database(DATABASE, owner=USER)
            with closing(psycopg2.connect(self.dsn(), connect_timeout=5)) as connection, connection.cursor() as cursor:
                cursor.execute("SELECT 1")
        except psycopg2.Error as error:
            return f"the Redshift endpoint on port {self.port}: {str(error).strip()}"
        return None

    def after_start(self) -> None:
        """Create the role of the warehouse's readers; the health check has created the database."""
        admit(make_dsn(self._postgres.dsn(DATABASE), port=self.port), owner=USER)

    def connections(self) -> dict[str, str]:
        """The warehouse, with the role that COPY reads S3 with."""
        connection = {
            "conn_type": "redshift",
            "host": "127.0.0.1",
            "port": self.port,
            "schema": DATABASE,
            "login": USER,
            "password": self.home.secret(f"postgres_{USER}"),
            "extra": {"ssl": False, "role_arn": COPY_ROLE},
        }
        return {"redshift_default": json.dumps(connection)}
