"""Signed links: whoever holds one may do one thing with one file until it expires, without an API key."""

import hashlib
import hmac
import time
from urllib.parse import quote, urlencode

from starlette.requests import Request

from services.gretel.api.errors import ApiError


class LinkSigner:
    """Makes and checks links.

    A link is `<base>/<path>?expires=<unix time>&sig=<HMAC-SHA256 of method, path and expiry>`. The path ends in the
    file's own name, so that clients which go by `.gz` decompress what they read.

    :param key: the secret.
    :param seconds: how long a link works.
    :param public_url: base of the links; empty = the base of the request that asks for one.
    """

    def __init__(self, key: str, *, seconds: int, public_url: str) -> None:
        self._key = key.encode()
        self._seconds = seconds
        self._public_url = public_url.rstrip("/")

    def link(self, request: Request, method: str, path: str) -> str:
        """Make a link to a path of this service."""
        base = self._public_url or str(request.base_url).rstrip("/")
        expires = int(time.time()) + self._seconds
        query = urlencode({"expires": expires, "sig": self._signature(method, path, expires)})
        return f"{base}{quote(path)}?{query}"

    def check(self, request: Request) -> None:
        """Check the link that a request came by.

        :raises ApiError: 403, it was changed, is incomplete, or has expired.
        """
        expires, signature = request.query_params.get("expires", ""), request.query_params.get("sig", "")
        if not (expires.isdecimal() and len(expires) <= 12):
            raise ApiError(403, "This link is not complete: it carries no valid expiry. Ask the API for a new one.")
        method = "GET" if request.method == "HEAD" else request.method
        expected = self._signature(method, request.url.path, int(expires))
        if not hmac.compare_digest(expected.encode(), signature.encode()):
            raise ApiError(403, "This link's signature does not match: it was changed, or signed with another key.")
        if int(expires) < time.time():
            raise ApiError(403, "This link has expired. Ask the API for a new one.")

    def _signature(self, method: str, path: str, expires: int) -> str:
        return hmac.new(self._key, f"{method}\n{path}\n{expires}".encode(), hashlib.sha256).hexdigest()
