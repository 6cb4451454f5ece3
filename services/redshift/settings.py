"""What the service is started with."""

from __future__ import annotations

from dataclasses import dataclass, field

from psycopg2.extensions import parse_dsn


@dataclass(frozen=True)
class Settings:
    """Where PostgreSQL and S3 are, and what COPY may use.

    :param backend_dsn: a superuser of the PostgreSQL behind this service; it installs the catalogue
    :param s3_endpoint_url: the S3 server; None for Amazon's
    :param iam_roles: ARNs that COPY's IAM_ROLE may name; they read S3 with the service's own AWS credentials
    """

    backend_dsn: str = field(repr=False)
    s3_endpoint_url: str | None = None
    iam_roles: tuple[str, ...] = ()

    @property
    def backend_address(self) -> tuple[str, int]:
        """Host, or directory of the Unix socket, and port."""
        parts = parse_dsn(self.backend_dsn)
        return parts.get("host", "127.0.0.1"), int(parts.get("port", 5432))
