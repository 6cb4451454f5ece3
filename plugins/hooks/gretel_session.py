"""gretel-client's configuration, one per hook, with timeouts and retries that submit nothing twice.

`gretel_client.configure_session` sets one key and endpoint for the whole process and prints; the hook hands this object
to each call as its `session` instead. gretel_client takes seconds to import: import this module inside tasks only.
"""

from __future__ import annotations

import logging
from typing import Any

from gretel_client.config import (
    DEFAULT_GRETEL_ARTIFACT_ENDPOINT,
    DefaultClientConfig,
    GretelApiRetry,
    PreviewFeatures,
    RunnerMode,
    _metrics_headers,
)
from gretel_client.rest.api_client import ApiClient
from gretel_client.rest.configuration import Configuration
from gretel_client.rest.exceptions import ApiException
from requests.utils import get_environ_proxies, select_proxy

from hooks.gretel_settings import GretelSettings

# At DEBUG the client logs every answer whole, signed links to personal data included.
logging.getLogger("gretel_client.rest.rest").setLevel(logging.INFO)

RETRIES = 3
BACKOFF_SECONDS = 0.5
RETRIED_STATUSES = frozenset({403, 429, 502, 503, 504})  # 403 only when its text says "throttled", see GretelApiRetry
# Without POST: a model that was created although its answer was lost must not be created again.
RETRIED_METHODS = frozenset({"GET", "HEAD", "PUT", "PATCH", "DELETE"})


class TimedApiClient(ApiClient):
    """gretel-client's HTTP client with a time limit on each request."""

    timeout: tuple[float, float]

    def request(self, *args: Any, _request_timeout: Any = None, **kwargs: Any) -> Any:
        """Send one request; see `ApiClient.request`."""
        try:
            return super().request(*args, _request_timeout=_request_timeout or self.timeout, **kwargs)
        except ApiException as exc:
            if exc.body is None:
                exc.body = b""  # a failed TLS handshake has none, and the caller decodes it unseen
            raise


class GretelSession(DefaultClientConfig):
    """Everything gretel-client needs to talk to one endpoint, independent of environment and process."""

    def __init__(self, settings: GretelSettings) -> None:
        super().__init__(
            endpoint=settings.endpoint,
            api_key=settings.api_key,
            artifact_endpoint=DEFAULT_GRETEL_ARTIFACT_ENDPOINT,
            default_runner=RunnerMode.CLOUD,
            preview_features=PreviewFeatures.DISABLED.value,
        )
        # The base class fills what is empty from GRETEL_PROJECT and GRETEL_TENANT_NAME.
        self.default_project_name = settings.project
        self.tenant_name = None
        self._settings = settings

    def _get_api_client_generic(
        self,
        client_cls: Any,
        config_cls: Any,
        *args: Any,
        default_headers: dict[str, str] | None = None,
        **kwargs: Any,
    ) -> Any:
        """Build the HTTP client as the base class does, but with our limits, and without silencing urllib3's log."""
        if client_cls is not ApiClient:  # newer generations of the API, which this project does not use
            return super()._get_api_client_generic(
                client_cls, config_cls, *args, default_headers=default_headers, **kwargs
            )
        configuration = Configuration(
            host=self.endpoint, api_key={"ApiKey": self.api_key}, ssl_ca_cert=self._cert_file()
        )
        configuration.proxy = select_proxy(self.endpoint, get_environ_proxies(self.endpoint))
        configuration.retries = GretelApiRetry(
            total=RETRIES,
            read=1,  # a service that hangs is waited for twice, not four times
            backoff_factor=BACKOFF_SECONDS,
            backoff_max=10,
            allowed_methods=RETRIED_METHODS,
            status_forcelist=RETRIED_STATUSES,
            respect_retry_after_header=False,  # it may ask for hours; the task's own retry waits longer
            raise_on_status=False,
        )
        client = TimedApiClient(configuration)
        client.timeout = self._settings.timeout
        client.default_headers.update(_metrics_headers() | (default_headers or {}))
        return client
