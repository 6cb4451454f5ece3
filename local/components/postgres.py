"""PostgreSQL: the production database of the demo, Airflow's metadata, and what the Redshift endpoint stores in."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import closing
from hashlib import sha256
from pathlib import Path

import psycopg2
from psycopg2 import extensions, sql

from local.components.base import Component, find_program, run
from local.health import StackError
from local.supervision import Program

SUPERUSER = "postgres"
BINARIES = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin")


class Postgres(Component):
    """A PostgreSQL server in a data directory of its own, reached by TCP on 127.0.0.1 only."""

    name = "postgres"

    @property
    def port(self) -> int:
        """The TCP port."""
        return self.home.port("postgres", 5433)

    def dsn(self, database: str, user: str = SUPERUSER) -> str:
        """Return the libpq URI of a database."""
        return f"postgresql://{user}:{self.home.secret(f'postgres_{user}')}@127.0.0.1:{self.port}/{database}"

    def prepare(self) -> None:
        """Run initdb, unless that was done before."""
        data = self._data_directory()
        if (data / "PG_VERSION").exists():
            return
        # initdb refuses a folder with anything in it: an earlier one may have been interrupted.
        shutil.rmtree(data, ignore_errors=True)
        data.mkdir(mode=0o700, parents=True)
        initdb = find_program("initdb", *BINARIES, package="postgresql")
        with tempfile.NamedTemporaryFile("w", suffix=".pw") as password_file:
            password_file.write(self.home.secret(f"postgres_{SUPERUSER}"))
            password_file.flush()
            if self._user:
                for path in (data, Path(password_file.name)):
                    shutil.chown(path, self._user, self._user)
            flags = ["-U", SUPERUSER, "-A", "scram-sha-256", "-E", "UTF8", "--locale", "C.UTF-8", "--no-sync"]
            where = ["-D", str(data), "--pwfile", password_file.name]
            run([*self._as_user(), str(initdb), *where, *flags], cwd=Path("/"))

    def programs(self) -> Sequence[Program]:
        """The server."""
        postgres = find_program("postgres", *BINARIES, package="postgresql")
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": "",
            "max_connections": "200",
            # A laptop's demo data need not survive a power cut, and a slow disk would dominate every measurement.
            "fsync": "off",
            "synchronous_commit": "off",
            "log_min_messages": "warning",
        }
        arguments = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        return [
            Program(
                name=self.name,
                command=[str(postgres), "-D", str(self._data_directory()), *arguments],
                user=self._user,
                stop_signal="INT",  # "fast shutdown": ends open sessions
                signal_group=False,
            )
        ]

    def unhealthy(self) -> str | None:
        """Whether it answers a query."""
        try:
            self._connect("postgres").close()
        except psycopg2.OperationalError as error:
            return f"PostgreSQL on port {self.port}: {str(error).strip()}"
        return None

    def after_start(self) -> None:
        """Create the roles and databases of the demo."""
        self.create_database("airflow", owner="airflow")
        self.create_database("bookings", owner="bookings")

    def create_database(self, database: str, owner: str) -> str:
        """Create a login role and a database that it owns, each unless it exists; return the owner's DSN."""
        with closing(self._connect("postgres")) as connection, connection.cursor() as cursor:
            connection.autocommit = True  # CREATE DATABASE refuses a transaction
            cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (owner,))
            if not cursor.fetchone():
                password = self.home.secret(f"postgres_{owner}")
                cursor.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD %s").format(sql.Identifier(owner)), (password,))
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", (database,))
            if not cursor.fetchone():
                statement = sql.SQL("CREATE DATABASE {} OWNER {}")
                cursor.execute(statement.format(sql.Identifier(database), sql.Identifier(owner)))
        return self.dsn(database, owner)

    def connections(self) -> dict[str, str]:
        """The production database of the demo."""
        return {"bookings_db": self.dsn("bookings", "bookings")}

    def _connect(self, database: str) -> extensions.connection:
        return psycopg2.connect(self.dsn(database), connect_timeout=5)

    @property
    def _user(self) -> str | None:
        """The user to become, because PostgreSQL refuses to run as root."""
        if os.geteuid() != 0:
            return None
        for name in ("postgres", "nobody"):
            try:
                return pwd.getpwnam(name).pw_name
            except KeyError:
                continue
        raise StackError("PostgreSQL refuses to run as root, and there is no user postgres: run this as another user")

    def _as_user(self) -> list[str]:
        return ["setpriv", "--reuid", user, "--regid", user, "--init-groups"] if (user := self._user) else []

    def _data_directory(self) -> Path:
        """The data directory: below the stack's home, or, where that user cannot get there, linked from it."""
        inside = self.home.path / "postgres"
        if inside.is_symlink():
            return inside.resolve()
        if inside.exists() or self._user is None or self._reachable(self.home.path):
            return inside
        digest = sha256(str(self.home.path).encode()).hexdigest()[:16]
        outside = Path("/var/tmp") / f"postgres-{digest}"  # noqa: S108  # survives a reboot, unlike /tmp
        inside.symlink_to(outside)
        return outside

    def _reachable(self, folder: Path) -> bool:
        return subprocess.run([*self._as_user(), "test", "-x", str(folder)], check=False, cwd="/").returncode == 0
