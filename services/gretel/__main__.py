"""Command line: `python -m services.gretel serve`, `python -m services.gretel new-key`."""

import argparse
import logging
import os
import secrets
import signal
import sys
from pathlib import Path

from services.gretel.settings import Settings, SettingsError

GRACEFUL_SECONDS = 10


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m services.gretel", description="Gretel's REST API, self-hosted.")
    commands = parser.add_subparsers(dest="command", required=True)
    serve = commands.add_parser("serve", help="run the service; GRETEL_SERVICE_* variables hold its settings")
    serve.add_argument("--host", default="127.0.0.1")
    serve.add_argument("--port", type=int, default=8080, help="0 = any free port, which the log names")
    serve.add_argument("--data-dir", type=Path, required=True, help="database, uploads and models are kept here")
    commands.add_parser("new-key", help="print a fresh API key")
    options = parser.parse_args(arguments)
    if options.command == "new-key":
        sys.stdout.write(f"grtu{secrets.token_hex(30)}\n")
        return 0
    try:
        settings = Settings.from_environment(
            os.environ, host=options.host, port=options.port, data_dir=options.data_dir.resolve()
        )
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return _serve(settings)


def _serve(settings: Settings) -> int:
    import uvicorn

    from services.gretel.app import DataDirectoryError, create_app, lock

    os.umask(0o077)  # what is kept is for the service alone
    try:
        held = lock(settings.data_dir)
    except DataDirectoryError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    # uvicorn ends gracefully on these, then raises them again: an ordinary end, not a death by signal.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    server = uvicorn.Server(
        uvicorn.Config(
            create_app(settings),
            host=settings.host,
            port=settings.port,
            access_log=False,  # it would log the signatures of links
            log_config=None,
            server_header=False,
            proxy_headers=True,
            forwarded_allow_ips=settings.trusted_proxies,
            timeout_graceful_shutdown=GRACEFUL_SECONDS,
        )
    )
    with held:
        server.run()
    return 0 if server.started else 1


if __name__ == "__main__":
    sys.exit(main())
