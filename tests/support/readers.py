"""Users who may read what a role was granted, and nothing else."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from contextlib import closing
from typing import Any

import psycopg2
import redshift_connector

PASSWORD = "for-the-test"


class Reader:
    """A role, and a user who has it, behind the Redshift endpoint.

    :param superuser: DSN of the PostgreSQL behind the endpoint.
    :param arguments: of redshift_connector, for the role's grantor.
    """

    def __init__(self, superuser: str, arguments: dict[str, Any]) -> None:
        number = uuid.uuid4().hex[:8]
        self.role, self.user = f"readers_{number}", f"reader_{number}"
        self._arguments = arguments | {"user": self.user, "password": PASSWORD}
        with closing(psycopg2.connect(superuser)) as connection, connection, connection.cursor() as cursor:
            cursor.execute(f"CREATE ROLE {self.role}")
            cursor.execute(f"CREATE ROLE {self.user} LOGIN PASSWORD '{PASSWORD}' IN ROLE {self.role}")

    @property
    def grantee(self) -> str:
        """As the configuration names it."""
        return f"role {self.role}"

    def let_into(self, schema: str, connect: Callable[[], Any]) -> None:
        """Give the role what whoever owns the schema gives once."""
        with closing(connect()) as connection, connection.cursor() as cursor:
            cursor.execute(f"GRANT USAGE ON SCHEMA {schema} TO ROLE {self.role}")

    def read(self, statement: str) -> list[tuple[Any, ...]] | None:
        """What a query gives, or None if the reader may not ask it."""
        with closing(redshift_connector.connect(**self._arguments)) as connection, connection.cursor() as cursor:
            connection.autocommit = True
            try:
                cursor.execute(statement)
            except redshift_connector.ProgrammingError as error:
                if error.args[0]["C"] != "42501":  # insufficient privilege
                    raise
                return None
            return [tuple(row) for row in cursor.fetchall()]
