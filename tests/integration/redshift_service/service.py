"""The service as its own process, for tests that start, stop and disturb it."""

from __future__ import annotations

import os
import re
import select
import signal
import socket
import subprocess
import sys
from pathlib import Path

import psycopg2
from psycopg2.extensions import connection, make_dsn, parse_dsn

from tests.support.waiting import wait_until

ROLE = "arn:aws:iam::000000000000:role/lake"


class Service:
    """One process of ``python -m services.redshift``.

    :param backend_dsn: a superuser's
    :param log: takes what the process prints
    :param keys: what the role ``ROLE`` reads S3 with
    """

    def __init__(
        self, backend_dsn: str, s3_endpoint_url: str, log: Path, *, keys: tuple[str, str] = ("a", "b")
    ) -> None:
        self.log = log
        self.backend_dsn = backend_dsn
        command = [sys.executable, "-m", "services.redshift", "--port", "0", "--s3-endpoint-url", s3_endpoint_url]
        environment = {
            "REDSHIFT_BACKEND_DSN": backend_dsn,
            "AWS_ACCESS_KEY_ID": keys[0],
            "AWS_SECRET_ACCESS_KEY": keys[1],
        }
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                [*command, "--iam-role", ROLE, "--log-level", "DEBUG"],
                env={**os.environ, **environment},
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def port(self) -> int:
        """Where it listens, once it does."""
        pattern = re.compile(r"listening on 127\.0\.0\.1:(\d+)")
        wait_until(lambda: pattern.search(self.log.read_text()) or self.process.poll() is not None)
        match = pattern.search(self.log.read_text())
        assert match, self.log.read_text()
        return int(match.group(1))

    def dsn(self, user_dsn: str) -> str:
        """The DSN of a PostgreSQL database, as it is reached through the service."""
        return make_dsn(user_dsn, host="127.0.0.1", port=self.port)

    def connect(self, user_dsn: str, *, autocommit: bool = True) -> connection:
        opened = psycopg2.connect(self.dsn(user_dsn))
        opened.autocommit = autocommit
        return opened

    def sessions(self, user_dsn: str) -> int:
        """PostgreSQL backends that work in a database, the catalogue's own aside."""
        with psycopg2.connect(self.backend_dsn) as direct, direct.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()",
                (parse_dsn(user_dsn)["dbname"],),
            )
            row = cursor.fetchone()
            assert row is not None
        direct.close()
        return int(row[0])

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """End the process and return its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(how)
        return self.process.wait(30)


def farewell(idle: connection) -> str:
    """What the server said to an idle client before it closed the connection; libpq itself does not pass it on."""
    readable, _, _ = select.select([idle.fileno()], [], [], 30)
    assert readable
    with socket.socket(fileno=os.dup(idle.fileno())) as raw:
        return raw.recv(1000, socket.MSG_PEEK).decode()
