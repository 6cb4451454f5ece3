"""GZIP and ZSTD: several members, and files that are cut short or not compressed at all."""

import gzip
import io

import pytest
import zstandard

from services.redshift.copy.decompress import decompressed
from services.redshift.errors import SqlError

TEXT = b"line\n" * 400_000


def compressed(kind: str | None, data: bytes) -> bytes:
    if kind == "gzip":
        return gzip.compress(data)
    return zstandard.compress(data) if kind == "zstd" else data


def read(kind: str | None, data: bytes) -> bytes:
    return b"".join(decompressed(io.BytesIO(data), kind, "s3://b/k"))


@pytest.mark.parametrize("kind", [None, "gzip", "zstd"])
def test_round_trip(kind: str | None) -> None:
    assert read(kind, compressed(kind, TEXT)) == TEXT
    assert read(kind, b"") == b""


@pytest.mark.parametrize("kind", ["gzip", "zstd"])
def test_members_one_after_the_other_are_one_file(kind: str) -> None:
    assert (
        read(kind, compressed(kind, b"a\n") + compressed(kind, TEXT) + compressed(kind, b"z\n"))
        == b"a\n" + TEXT + b"z\n"
    )


@pytest.mark.parametrize("kind", ["gzip", "zstd"])
def test_a_file_that_is_cut_short_is_an_error_that_names_it(kind: str) -> None:
    with pytest.raises(SqlError, match="failed to inflate s3://b/k: the file ends before"):
        read(kind, compressed(kind, TEXT)[:-3])


@pytest.mark.parametrize("kind", ["gzip", "zstd"])
def test_a_file_that_is_not_compressed_is_an_error_that_names_it(kind: str) -> None:
    with pytest.raises(SqlError, match="failed to inflate s3://b/k"):
        read(kind, TEXT)
