"""API keys: who is asking."""

import hashlib
import hmac
from dataclasses import dataclass

from starlette.requests import Request

from services.gretel.api.errors import ApiError
from services.gretel.settings import ApiKey


@dataclass(frozen=True, slots=True)
class User:
    """The user that a key belongs to.

    :param id: 24 hexadecimal digits derived from the email address: the same after a restart and with every key.
    """

    id: str
    email: str


def user_of(email: str) -> User:
    return User(hashlib.sha256(email.lower().encode()).hexdigest()[:24], email.lower())


class KeyRing:
    """Knows the API keys, as digests."""

    def __init__(self, keys: tuple[ApiKey, ...]) -> None:
        self._users = [(_digest(key.key), user_of(key.email)) for key in keys]

    def authenticate(self, request: Request) -> User:
        """Find the user of a request's key.

        :raises ApiError: 401, no key was sent, or no such key is known.
        """
        sent = request.headers.get("Authorization", "").strip()
        if not sent:
            raise ApiError(401, "Unauthorized: no API key. Send it, as it is, in the Authorization header.")
        digest, found = _digest(sent), None
        for known, user in self._users:  # all of them, so that the time taken says nothing
            if hmac.compare_digest(known, digest):
                found = user
        if found is None:
            hint = " Send the key alone, without a scheme such as Bearer." if " " in sent else ""
            raise ApiError(401, f"Unauthorized: this API key is not valid here.{hint}")
        return found


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()
