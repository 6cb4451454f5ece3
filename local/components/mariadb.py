"""MariaDB: the production MySQL of the demo."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from contextlib import closing

import MySQLdb
from MySQLdb.connections import Connection

from local.components.base import Component, find_program, run
from local.supervision import Program

USER = "prod"


class MariaDB(Component):
    """A MariaDB server in a data directory of its own, reached by TCP on 127.0.0.1 only."""

    name = "mariadb"

    @property
    def port(self) -> int:
        """The TCP port."""
        return self.home.port("mariadb", 3307)

    def arguments(self, database: str) -> dict[str, str | int]:
        """Return what a client needs: host, port, user, password, database."""
        password = self.home.secret("mariadb_prod")
        return {"host": "127.0.0.1", "port": self.port, "user": USER, "password": password, "database": database}

    def prepare(self) -> None:
        """Create the system tables and the user, unless that was done before."""
        data = self.home.path / "mariadb"
        ready = data / "prepared"
        if ready.exists():
            return
        shutil.rmtree(data, ignore_errors=True)
        install = find_program("mariadb-install-db", package="mariadb-server")
        scratch = self.home.folder("mariadb-tmp")
        run(
            [
                install,
                "--no-defaults",
                f"--datadir={data}",
                f"--tmpdir={scratch}",
                "--auth-root-authentication-method=normal",
                *_as_root(),
            ]
        )
        grant = self.home.folder("run") / "mariadb-users.sql"
        grant.touch(mode=0o600)
        # Read once by --init-file before the server accepts anyone.
        grant.write_text(
            f"CREATE USER IF NOT EXISTS {USER}@'127.0.0.1' IDENTIFIED BY '{self.home.secret('mariadb_prod')}';\n"
            f"GRANT ALL ON *.* TO {USER}@'127.0.0.1';\n"
            "DROP USER IF EXISTS ''@'localhost';\n"
        )
        ready.touch()

    def programs(self) -> Sequence[Program]:
        """The server."""
        run_folder = self.home.folder("run")
        command = [
            str(find_program("mariadbd", "/usr/sbin", package="mariadb-server")),
            "--no-defaults",
            f"--datadir={self.home.path / 'mariadb'}",
            f"--tmpdir={self.home.folder('mariadb-tmp')}",
            "--bind-address=127.0.0.1",
            f"--port={self.port}",
            f"--socket={self.home.control_socket.with_suffix('.mariadb')}",
            f"--pid-file={run_folder / 'mariadb.pid'}",
            f"--init-file={run_folder / 'mariadb-users.sql'}",
            "--skip-name-resolve",
            "--character-set-server=utf8mb4",
            # As on postgres: a demo survives a power cut no better than it is worth.
            "--innodb-flush-log-at-trx-commit=0",
            *_as_root(),
        ]
        return [Program(self.name, command, signal_group=False)]

    def unhealthy(self) -> str | None:
        """Whether it answers a query."""
        try:
            self.connect("mysql").close()
        except MySQLdb.OperationalError as error:
            return f"MariaDB on port {self.port}: {error}"
        return None

    def after_start(self) -> None:
        """Create the demo's database."""
        self.create_database("prod")

    def create_database(self, database: str) -> None:
        """Create a database unless it exists."""
        with closing(self.connect("mysql")) as connection, connection.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE IF NOT EXISTS `{database}` CHARACTER SET utf8mb4")

    def connect(self, database: str) -> Connection:
        """Return a connection of the demo's user."""
        return MySQLdb.connect(**self.arguments(database), connect_timeout=5)

    def connections(self) -> dict[str, str]:
        """The production MySQL of the demo."""
        password = self.home.secret("mariadb_prod")
        return {"mysql_prod": f"mysql://{USER}:{password}@127.0.0.1:{self.port}/prod?charset=utf8mb4"}


def _as_root() -> list[str]:
    return ["--user=root"] if os.geteuid() == 0 else []
