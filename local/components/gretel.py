"""The Gretel service of this repository (services/gretel), as its own processes."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence

import requests

from local.components.base import Component
from local.supervision import Program

PROJECT = "airbnb-bookings"


class Gretel(Component):
    """The service and one API key for the demo's user."""

    name = "gretel"

    @property
    def port(self) -> int:
        """The TCP port."""
        return self.home.port("gretel", 8100)

    @property
    def endpoint(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def api_key(self) -> str:
        """The key of the demo's user."""
        return self.home.secret("gretel_api_key", prefix="grtu")

    def prepare(self) -> None:
        """Make the folder for its database, artifacts and models."""
        self.home.folder("gretel", mode=0o700)

    def programs(self) -> Sequence[Program]:
        """The service, which starts its workers itself."""
        command = [sys.executable, "-m", "services.gretel", "serve", "--host", "127.0.0.1", "--port", str(self.port)]
        env = {
            "GRETEL_SERVICE_API_KEYS": f"{self.api_key}=demo@example.org",
            "GRETEL_SERVICE_SIGNING_KEY": self.home.secret("gretel_signing_key"),
        }
        return [Program(self.name, [*command, "--data-dir", str(self.home.path / "gretel")], env)]

    def unhealthy(self) -> str | None:
        """Whether its health address answers."""
        try:
            response = requests.get(f"{self.endpoint}/health", timeout=5)
            response.raise_for_status()
        except requests.RequestException as error:
            return f"the Gretel service at {self.endpoint}: {error}"
        return None

    def after_start(self) -> None:
        """Create the demo's project."""
        headers = {"Authorization": self.api_key}
        if requests.get(f"{self.endpoint}/projects/{PROJECT}", headers=headers, timeout=10).ok:
            return
        project = {"name": PROJECT, "display_name": "Airbnb bookings"}
        requests.post(f"{self.endpoint}/projects", json=project, headers=headers, timeout=10).raise_for_status()

    def connections(self) -> dict[str, str]:
        """The Gretel connection."""
        connection = {
            "conn_type": "gretel",
            "host": self.endpoint,
            "password": self.api_key,
            "extra": {"project": PROJECT},
        }
        return {"gretel_default": json.dumps(connection)}
