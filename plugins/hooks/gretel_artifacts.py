"""Bytes to and from Gretel's artifact store, over its signed links.

A signed link is a secret: who has it has the data. It is masked in logs and kept out of every error; errors of the
libraries below are therefore not chained, as they quote the link.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader, RawIOBase
from typing import Any, BinaryIO
from urllib.parse import urlsplit

import requests
import urllib3
from airflow.sdk.log import mask_secret

from hooks.gretel_errors import GretelError, GretelFatalError, GretelUnavailableError, own_words
from hooks.gretel_settings import GretelSettings

GZIP_MAGIC = b"\x1f\x8b"
BUFFER_BYTES = 1 << 20


def put_stream(settings: GretelSettings, url: str, source: BinaryIO, size: int, name: str) -> None:
    """PUT a file to a signed link.

    :param source: the file, at its first byte
    :param size: its length in bytes: object stores take no chunked uploads
    :param name: what to call the file in errors
    :raises GretelUnavailableError: when the connection breaks; whether the link can be used again is up to the store
    """
    _guard(settings, url)
    try:
        response = requests.put(url, data=_SizedReader(source, size), timeout=settings.timeout, auth=_no_auth)
    except requests.RequestException as exc:
        raise GretelUnavailableError(
            f"Gretel (connection {settings.conn_id}): the upload of '{name}' broke off ({_reason(exc)}). "
            "Check that the artifact store can be reached from here; a retry sends the file again."
        ) from None
    _check(response, f"upload '{name}'", settings)


@contextmanager
def open_stream(settings: GretelSettings, url: str, what: str) -> Iterator[BinaryIO]:
    """GET a signed link as a stream, decompressed if it is gzip.

    :param what: what it is, for errors
    :raises GretelError: when the stream breaks or ends too soon
    """
    _guard(settings, url)
    try:
        with requests.get(url, stream=True, timeout=settings.timeout, auth=_no_auth) as response:
            _check(response, f"download {what}", settings)
            raw = BufferedReader(_RawReader(response.raw), BUFFER_BYTES)
            zipped = raw.peek(len(GZIP_MAGIC)).startswith(GZIP_MAGIC)
            yield gzip.GzipFile(fileobj=raw) if zipped else raw  # type: ignore[misc]
    except (requests.RequestException, urllib3.exceptions.HTTPError, EOFError, gzip.BadGzipFile, zlib.error) as exc:
        reason = _reason(exc)
        raise GretelError(
            f"Gretel (connection {settings.conn_id}): {what} is truncated, damaged or stopped coming ({reason}). "
            "Nothing of it may be used; a retry fetches it again."
        ) from None


class _SizedReader:
    """A stream that tells requests its length, so that it is sent as it is read and with a Content-Length."""

    def __init__(self, source: BinaryIO, size: int) -> None:
        self._source = source
        self.len = size

    def read(self, size: int = -1) -> bytes:
        return self._source.read(size)

    def __iter__(self) -> Iterator[bytes]:
        while chunk := self.read(BUFFER_BYTES):
            yield chunk


class _RawReader(RawIOBase):
    """A urllib3 response that ends with an error, not silently, when bytes are missing."""

    def __init__(self, response: Any) -> None:
        self._response = response

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        chunk = self._response.read(len(buffer))
        buffer[: len(chunk)] = chunk
        return len(chunk)


def _check(response: requests.Response, doing: str, settings: GretelSettings) -> None:
    """Turn an error answer of the artifact store into one of ours, without the link."""
    status = response.status_code
    if status < 400:
        return
    error_class = GretelUnavailableError if status >= 500 or status == 429 else GretelFatalError
    remedy = (
        "The artifact store is overloaded or broken; retry later."
        if error_class is GretelUnavailableError
        else "The link may have expired or the file be gone: clear the task to ask for a new one."
    )
    host = urlsplit(response.url).netloc
    said = f" ({own_words(response.text)})" if "json" in response.headers.get("Content-Type", "") else ""
    raise error_class(
        f"Gretel (connection {settings.conn_id}): could not {doing}: its store {host} answered HTTP {status}{said}. "
        f"{remedy}"
    )


def _guard(settings: GretelSettings, url: str) -> None:
    """Before a link is used: keep it out of logs, and off a network in clear text."""
    settings.check_url(url)
    if query := urlsplit(url).query:
        mask_secret(query)


def _reason(exc: BaseException) -> str:
    """What happened, without the link that requests and urllib3 put into their messages."""
    inner: Any = exc
    while isinstance(inner, requests.RequestException | urllib3.exceptions.MaxRetryError):
        nested = getattr(inner, "reason", None) or (inner.args[0] if inner.args else None)
        if not isinstance(nested, BaseException):
            break
        inner = nested
    return type(inner).__name__


def _no_auth(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Signed links carry their own right of access; keeps requests from adding credentials out of ~/.netrc."""
    return request
