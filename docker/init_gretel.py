"""Create the project of connection `gretel_default` at the Gretel service, unless it exists."""

import logging
import os
import sys

import requests

TIMEOUT = 30  # seconds

log = logging.getLogger("init_gretel")


def prepare_project(endpoint: str, api_key: str, name: str) -> None:
    """Create project `name` unless it exists.

    :raises requests.RequestException: the service cannot be reached, or refuses.
    """
    session = requests.Session()
    session.headers["Authorization"] = api_key
    found = session.get(f"{endpoint}/projects/{name}", timeout=TIMEOUT)
    if found.status_code == requests.codes.not_found:
        created = session.post(f"{endpoint}/projects", json={"name": name, "display_name": name}, timeout=TIMEOUT)
        created.raise_for_status()
        log.info("created project %s", name)
        return
    found.raise_for_status()
    log.info("project %s exists", name)


def main() -> int:
    """Read GRETEL_ENDPOINT, GRETEL_API_KEY and GRETEL_PROJECT from the environment; return the exit code."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    endpoint, project = os.environ["GRETEL_ENDPOINT"], os.environ["GRETEL_PROJECT"]
    try:
        prepare_project(endpoint, os.environ["GRETEL_API_KEY"], project)
    except requests.RequestException as error:
        log.error("cannot prepare project %s at %s: %s", project, endpoint, error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
