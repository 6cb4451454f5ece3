"""Whose data a release was trained on: `python -m synthetics.subjects s3://…/manifest.json < keys.txt`.

A release may carry a list of keyed hashes of its subjects' keys. Who has the secret can answer a person's question
("did you train on my data?") or find the releases to withdraw; to everybody else the list says nothing. The secret is
read from SUBJECTS_SECRET; keys come one per line, as PostgreSQL prints them. Every key is answered on a line, `yes`
or `no` before it. Ends with 0, or with 2 if the release has no list or the secret is another one.
"""

from __future__ import annotations

import argparse
import gzip
import hmac
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256

from synthetics.verify import NoManifestError, open_release
from transfers.pseudonyms import Pseudonyms

SUBJECTS = "subjects.txt.gz"
SECRET_VARIABLE = "SUBJECTS_SECRET"  # noqa: S105 - the name of an environment variable
BLOCK = 64  # bytes, of SHA-256


class SubjectKey:
    """The key of one release's list, derived from the secret: lists of two releases have nothing in common.

    :param secret: at least 16 bytes in UTF-8; better 32 random ones.
    :param scope: the release's folder.
    """

    def __init__(self, secret: str, scope: str) -> None:
        self.scope = scope
        pseudonyms = Pseudonyms(secret)
        self.secret_id = pseudonyms.key_id
        self._key = bytes.fromhex(pseudonyms.hash(scope.encode()).decode())

    def hmac(self, subject: str) -> str:
        """Hash a subject's key: 64 lower-case hex digits."""
        return hmac.digest(self._key, subject.encode(), "sha256").hex()

    def pads(self) -> tuple[bytes, bytes]:
        """What a database needs to compute :meth:`hmac` with SHA-256 alone: the inner and the outer pad of RFC 2104."""
        block = self._key.ljust(BLOCK, b"\0")
        return bytes(byte ^ 0x36 for byte in block), bytes(byte ^ 0x5C for byte in block)

    def __repr__(self) -> str:
        return f"SubjectKey({self.scope!r}, key withheld)"


def main(arguments: Sequence[str] | None = None, keys: Iterable[str] | None = None) -> int:
    """Run the command; return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m synthetics.subjects", description=__doc__)
    parser.add_argument("manifest", help="s3://bucket/key or path of a release's manifest.json")
    uri = parser.parse_args(arguments).manifest
    try:
        for subject, known in find(uri, os.environ.get(SECRET_VARIABLE, ""), sys.stdin if keys is None else keys):
            sys.stdout.write(f"{'yes' if known else 'no'}\t{subject}\n")
    except (NoManifestError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


def find(uri: str, secret: str, subjects: Iterable[str]) -> Iterator[tuple[str, bool]]:
    """Say of each subject whether the release was trained on it.

    :raises ValueError: the release has no list, its list was changed, or the secret is another one.
    """
    manifest, open_file = open_release(uri)
    facts = manifest["extract"].get("subjects")
    if not facts:
        raise ValueError(f"{uri} has no list of subjects: its pipeline was not given subjects_conn_id")
    key = SubjectKey(secret, facts["scope"])
    if key.secret_id != facts["secret_id"]:
        raise ValueError(
            f"{SECRET_VARIABLE} holds secret {key.secret_id}, but the list of {uri} was made with {facts['secret_id']}"
        )
    with open_file(SUBJECTS) as file:
        packed = file.read()
    if sha256(packed).hexdigest() != facts["sha256"]:
        raise ValueError(f"{SUBJECTS} beside {uri} is not the file that the manifest names (sha256)")
    known = set(gzip.decompress(packed).decode().split())
    for line in subjects:
        subject = line.rstrip("\n")
        yield subject, key.hmac(subject) in known


if __name__ == "__main__":
    sys.exit(main())
