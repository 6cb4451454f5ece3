"""Signed links."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from starlette.requests import Request

from services.gretel.api.errors import ApiError
from services.gretel.api.links import LinkSigner

SIGNER = LinkSigner("secret", seconds=60, public_url="")


def request(method: str = "GET", path: str = "/", query: str = "") -> Request:
    return Request(
        {
            "type": "http",
            "method": method,
            "scheme": "http",
            "path": path,
            "query_string": query.encode(),
            "headers": [(b"host", b"gretel.example.org:8080")],
        }
    )


def follow(link: str, method: str = "GET") -> Request:
    parts = urlsplit(link)
    return request(method, parts.path, parts.query)


def test_a_link_leads_where_it_says() -> None:
    link = SIGNER.link(request(), "GET", "/downloads/jobs/1/data.gz")

    assert link.startswith("http://gretel.example.org:8080/downloads/jobs/1/data.gz?expires=")
    SIGNER.check(follow(link))
    SIGNER.check(follow(link, "HEAD"))


def test_a_public_address_replaces_the_requests() -> None:
    signer = LinkSigner("secret", seconds=60, public_url="https://example.org/gretel/")

    link = signer.link(request(), "PUT", "/uploads/x")

    assert link.startswith("https://example.org/gretel/uploads/x?")
    signer.check(follow(link.replace("/gretel", ""), "PUT"))


@pytest.mark.parametrize("method", ["PUT", "DELETE", "POST"])
def test_a_link_serves_one_purpose(method: str) -> None:
    link = SIGNER.link(request(), "GET", "/downloads/jobs/1/data.gz")

    with pytest.raises(ApiError, match="signature does not match"):
        SIGNER.check(follow(link, method))


def test_another_secret_makes_another_signature() -> None:
    link = LinkSigner("other", seconds=60, public_url="").link(request(), "GET", "/x")

    with pytest.raises(ApiError, match="signature does not match"):
        SIGNER.check(follow(link))


def test_an_expired_link_is_called_expired_only_if_it_was_real() -> None:
    past = LinkSigner("secret", seconds=-1, public_url="")
    real = past.link(request(), "GET", "/x")

    with pytest.raises(ApiError, match="has expired") as error:
        past.check(follow(real))
    assert error.value.status == 403
    with pytest.raises(ApiError, match="signature does not match"):
        past.check(follow(real[:-1] + ("0" if real[-1] != "0" else "1")))


@pytest.mark.parametrize(
    "query", ["", "sig=abc", "expires=&sig=abc", "expires=-1&sig=a", "expires=1e9&sig=a", "expires=" + "9" * 400]
)
def test_an_incomplete_link_is_called_incomplete(query: str) -> None:
    with pytest.raises(ApiError, match="not complete"):
        SIGNER.check(request(path="/x", query=query))
