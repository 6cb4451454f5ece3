"""What an Airflow connection of type `gretel` says: endpoint, key, project, timeouts."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from airflow.sdk import Connection
from airflow.sdk.log import mask_secret

from hooks.gretel_errors import GretelFatalError

DEFAULT_HOST = "api.gretel.ai"
HOSTED_DOMAINS = ("gretel.ai", "gretel.cloud")
API_KEY_PREFIX = "grt"  # gretel-client refuses any other
DEFAULT_CONNECT_TIMEOUT = 10.0
DEFAULT_READ_TIMEOUT = 60.0


@dataclass(frozen=True)
class GretelSettings:
    """How to reach one Gretel endpoint.

    :param conn_id: the Airflow connection, named in every error
    :param endpoint: base URL of Gretel's API, without a slash at its end
    :param api_key: starts with `grt`; never part of the repr
    :param project: name, id or guid of the default project
    :param connect_timeout: seconds to wait for a connection
    :param read_timeout: seconds to wait for an answer, or for the next bytes of one
    :param allow_http: whether key and data may cross a network in clear text
    """

    conn_id: str
    endpoint: str
    api_key: str = field(repr=False)
    project: str | None = None
    connect_timeout: float = DEFAULT_CONNECT_TIMEOUT
    read_timeout: float = DEFAULT_READ_TIMEOUT
    allow_http: bool = False

    @classmethod
    def from_connection(cls, conn: Connection) -> GretelSettings:
        """Read an Airflow connection, also in the old form `…?api_key=…&project_id=…`.

        :raises GretelFatalError: for a missing or malformed part, naming it
        """
        extra = conn.extra_dejson
        settings = cls(
            conn_id=conn.conn_id,
            endpoint=_endpoint(conn),
            api_key=_api_key(conn, extra),
            project=extra.get("project") or extra.get("project_id") or None,
            connect_timeout=_seconds(conn, extra, "connect_timeout", DEFAULT_CONNECT_TIMEOUT),
            read_timeout=_seconds(conn, extra, "read_timeout", DEFAULT_READ_TIMEOUT),
            allow_http=str(extra.get("allow_http", "")).lower() in {"true", "1", "yes"},
        )
        settings.check_url(settings.endpoint)
        return settings

    @property
    def timeout(self) -> tuple[float, float]:
        """Seconds to connect and to read, the pair that requests and gretel-client take."""
        return self.connect_timeout, self.read_timeout

    @property
    def hosted(self) -> bool:
        """Whether this is Gretel's own service, the only one with a web console."""
        host = urlsplit(self.endpoint).hostname or ""
        return any(host == domain or host.endswith(f".{domain}") for domain in HOSTED_DOMAINS)

    def check_url(self, url: str) -> None:
        """Refuse to send a key or personal data in clear text over a network.

        :raises GretelFatalError: for plain http to another machine, unless the connection allows it
        """
        parts = urlsplit(url)
        if parts.scheme == "https" or self.allow_http or _is_loopback(parts.hostname or ""):
            return
        raise GretelFatalError(
            f"Gretel (connection {self.conn_id}): {parts.scheme}://{parts.netloc} would carry the API key and personal "
            "data in clear text. Use https, or set the extra `allow_http` to true if that network is trusted."
        )


def _endpoint(conn: Connection) -> str:
    """Base URL from host, port and schema; https to the hosted service where they are empty."""
    host = (conn.host or DEFAULT_HOST).strip().rstrip("/")
    scheme, _, rest = host.rpartition("://")
    scheme = (scheme or conn.schema or "https").strip().lower()
    if scheme not in {"http", "https"}:
        raise GretelFatalError(
            f"Gretel (connection {conn.conn_id}): schema is {scheme!r}, expected `https` or `http`. "
            "Correct the connection."
        )
    if ":" in rest and not rest.startswith("[") and _is_ipv6(rest):
        rest = f"[{rest}]"
    port = f":{conn.port}" if conn.port else ""
    return f"{scheme}://{rest}{port}"


def _api_key(conn: Connection, extra: dict[str, Any]) -> str:
    """Take the key from the password, or from the old extra `api_key`, and have Airflow mask it in every log."""
    key = (conn.password or extra.get("api_key") or "").strip()
    if not key:
        raise GretelFatalError(
            f"Gretel (connection {conn.conn_id}): no API key. Put it into the connection's password; "
            "it starts with `grt` and is shown in Gretel's console, or was given by whoever runs the service."
        )
    mask_secret(key)
    if not key.startswith(API_KEY_PREFIX) or not key.isascii() or not key.isprintable() or " " in key:
        raise GretelFatalError(
            f"Gretel (connection {conn.conn_id}): the password is not a Gretel API key, which is one word that starts "
            f"with `{API_KEY_PREFIX}`. Correct the connection's password."
        )
    return key


def _seconds(conn: Connection, extra: dict[str, Any], name: str, default: float) -> float:
    raw = extra.get(name)
    if raw in {None, ""}:
        return default
    try:
        value = float(raw)
    except (TypeError, ValueError):
        value = 0.0
    if not 0 < value <= 3600:
        raise GretelFatalError(
            f"Gretel (connection {conn.conn_id}): extra `{name}` is {raw!r}, expected seconds between 0 and 3600."
        )
    return value


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _is_ipv6(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).version == 6
    except ValueError:
        return False
