"""One clear error for everything that can go wrong between Airflow and Gretel.

Two classes tell Airflow what to do: after a `GretelError` a retry can help, after a `GretelFatalError` it cannot, and
the task fails at once. docs/gretel-connection.md lists every message with its remedy.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from airflow.sdk.exceptions import AirflowException, AirflowFailException

if TYPE_CHECKING:
    from hooks.gretel_settings import GretelSettings

MAX_BODY_CHARACTERS = 500


class GretelError(AirflowException):
    """Gretel could not do it now; a retry can help."""


class GretelUnavailableError(GretelError):
    """No clear answer came back, so whether Gretel acted on the request is unknown."""


class GretelFatalError(AirflowFailException):
    """A retry would end the same way; somebody has to change something first."""


@contextmanager
def clear_errors(doing: str, settings: GretelSettings, *, if_missing: str = "") -> Iterator[None]:
    """Turn what the client raises inside the block into one error that says what to do.

    :param doing: what was tried, to follow "could not", such as "look up project 'bookings'"
    :param settings: the connection in use; its API key is kept out of the message
    :param if_missing: what to do when Gretel has no such thing
    :raises GretelError: when a retry can help
    :raises GretelFatalError: when it cannot
    """
    from gretel_client.projects.exceptions import GretelJobNotFound, GretelProjectError, ModelConfigError
    from gretel_client.rest.exceptions import ApiException, ApiTypeError, NotFoundException
    from urllib3.exceptions import HTTPError

    try:
        yield
    except (ApiException, ApiTypeError, HTTPError, GretelJobNotFound, GretelProjectError, ModelConfigError) as exc:
        error_class, reason, remedy = _explain(exc, settings)
        if if_missing and isinstance(exc, NotFoundException):
            remedy = if_missing
        text = f"Gretel at {settings.endpoint} (connection {settings.conn_id}): could not {doing}: {reason}. {remedy}"
        raise error_class(text.replace(settings.api_key, "***")) from exc


def _explain(exc: Exception, settings: GretelSettings) -> tuple[type[AirflowException], str, str]:
    """Which error to raise for `exc`, why it happened, and what to do about it."""
    from gretel_client.projects.exceptions import GretelJobNotFound, GretelProjectError, ModelConfigError
    from gretel_client.rest.exceptions import ApiException
    from urllib3.exceptions import HTTPError

    if isinstance(exc, GretelProjectError) and isinstance(exc.__context__, ApiException):
        exc = exc.__context__  # get_project hides a refused key behind "could not get project"
    if isinstance(exc, ApiException):
        return _explain_response(exc, settings)
    if isinstance(exc, HTTPError):
        return _explain_network(exc, settings)
    if isinstance(exc, GretelJobNotFound):
        return GretelFatalError, str(exc), "It was deleted in Gretel. Clear the task to train a new model."
    if isinstance(exc, ModelConfigError):
        return GretelFatalError, str(exc), "Correct the model config."
    if isinstance(exc, GretelProjectError):
        return GretelFatalError, str(exc), "Correct the project's name."
    return (
        GretelFatalError,
        "the answer is not what Gretel's API sends",
        f"Check host, schema and port of connection {settings.conn_id}: something else answers there.",
    )


def _explain_response(exc: Exception, settings: GretelSettings) -> tuple[type[AirflowException], str, str]:
    """Explain an error answer by the client's exception class, else by its HTTP status."""
    from gretel_client.projects.exceptions import (
        CreditExhaustException,
        DiscontinuedModelException,
        MaxConcurrentJobsException,
    )

    status = int(getattr(exc, "status", None) or 0)
    body = getattr(exc, "body", None) or getattr(exc.__cause__, "body", None) or getattr(exc, "reason", None) or ""
    said = f"{own_words(str(body))} (HTTP {status})"
    conn = f"connection {settings.conn_id}"
    by_class = {
        MaxConcurrentJobsException: (
            GretelError,
            said,
            "Wait for other jobs to end or cancel them; the task's next retry submits again.",
        ),
        CreditExhaustException: (
            GretelFatalError,
            said,
            "Buy credits or wait for the next period, then clear the task.",
        ),
        DiscontinuedModelException: (GretelFatalError, said, "Choose another model type in the model config."),
    }
    by_status = {
        0: (GretelFatalError, f"no trusted TLS connection: {getattr(exc, 'reason', '')}", _tls_remedy(settings)),
        401: (GretelFatalError, f"the API key was refused: {said}", f"Put a valid key into the password of {conn}."),
        403: (
            GretelFatalError,
            f"the API key may not do this: {said}",
            f"Give the key's owner access to it, or use another key or project in {conn}.",
        ),
        404: (
            GretelFatalError,
            f"not found: {said}",
            f"Check the project of {conn} (extra `project`), and that its host is Gretel's API.",
        ),
        409: (GretelError, f"it is in use: {said}", "Retry once the job that uses it has ended."),
        429: (GretelUnavailableError, said, "Too many requests; the task's retry comes later."),
    }
    if type(exc) in by_class:
        return by_class[type(exc)]
    if status >= 500:
        return GretelUnavailableError, said, "Gretel is overloaded or broken; retry later, and look at its own log."
    refused = (GretelFatalError, f"the request was refused: {said}", "Correct the model config or the data it names.")
    return by_status.get(status, refused)


def _explain_network(exc: Exception, settings: GretelSettings) -> tuple[type[AirflowException], str, str]:
    """Explain a connection that failed, at the innermost cause."""
    from urllib3.exceptions import MaxRetryError, ReadTimeoutError, SSLError

    cause = exc.reason if isinstance(exc, MaxRetryError) and exc.reason else exc
    if isinstance(cause, SSLError):
        return GretelFatalError, f"no trusted TLS connection: {cause}", _tls_remedy(settings)
    if isinstance(cause, ReadTimeoutError):
        reason = f"no answer within {settings.read_timeout:g} s"
        return GretelUnavailableError, reason, f"Retry later, or raise `read_timeout` of connection {settings.conn_id}."
    reason = f"the endpoint cannot be reached ({cause})"
    remedy = f"Check that it runs, and host, port and schema of connection {settings.conn_id}."
    return GretelUnavailableError, reason, remedy


def _tls_remedy(settings: GretelSettings) -> str:
    return (
        f"Check host and schema of connection {settings.conn_id} (`http` for an endpoint without TLS); name the CA of "
        "a private certificate in SSL_CERT_FILE."
    )


def own_words(body: str) -> str:
    """Gretel's own message out of an error answer's body, or the start of the body."""
    try:
        parsed = json.loads(body)
    except ValueError:
        parsed = None
    message = parsed.get("message") or parsed.get("detail") if isinstance(parsed, dict) else None
    if message and parsed.get("context"):
        message = f"{message} {json.dumps(parsed['context'])}"  # the fields at fault
    words = str(message or body).strip() or "no message"
    return words[:MAX_BODY_CHARACTERS].rstrip(".")
