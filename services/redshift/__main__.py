"""``python -m services.redshift``: a Redshift endpoint over a PostgreSQL of its own."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import signal
import sys
from collections.abc import Sequence

import psycopg2

from services.redshift.catalogue.install import ensure_installed
from services.redshift.errors import SqlError
from services.redshift.server import Server
from services.redshift.settings import Settings


def arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m services.redshift", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=5439, help="0 for a free one (default: %(default)s)")
    parser.add_argument(
        "--backend-dsn",
        default=os.environ.get("REDSHIFT_BACKEND_DSN"),
        help="postgresql://… of a superuser on PostgreSQL 15 or newer; its databases are this endpoint's databases "
        "(default: $REDSHIFT_BACKEND_DSN, which keeps the password out of the process list)",
    )
    parser.add_argument("--s3-endpoint-url", help="the S3 server COPY reads from (default: Amazon's)")
    parser.add_argument(
        "--iam-role",
        action="append",
        default=[],
        metavar="ARN",
        help="a role that COPY … IAM_ROLE may name, the first being IAM_ROLE DEFAULT; "
        "it reads S3 with the AWS credentials this service finds in its environment",
    )
    parser.add_argument("--log-level", default="INFO", help="(default: %(default)s)")
    options = parser.parse_args(argv)
    if not 0 <= options.port <= 65535:
        parser.error(f"--port {options.port}: a port is a number from 0 to 65535")
    if not options.backend_dsn:
        parser.error("no PostgreSQL given: set REDSHIFT_BACKEND_DSN or pass --backend-dsn")
    return options


async def serve(options: argparse.Namespace) -> None:
    """Install the catalogue into the DSN's database, then serve until SIGTERM or SIGINT."""
    settings = Settings(options.backend_dsn, options.s3_endpoint_url, tuple(options.iam_role))
    await asyncio.to_thread(ensure_installed, settings.backend_dsn)
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    await Server(settings).serve(options.host, options.port, stop)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the service; the exit code is 1 if it could not start."""
    options = arguments(argv)
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    # Not for libraries: at DEBUG boto writes down what it signs.
    logging.getLogger("services.redshift").setLevel(options.log_level.upper())
    try:
        asyncio.run(serve(options))
    except (OSError, psycopg2.Error, SqlError) as error:
        print(f"services.redshift cannot start: {str(error).strip()}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
