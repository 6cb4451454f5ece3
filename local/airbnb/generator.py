"""The generated database as CSV streams: seeded, chunk by chunk, so that any size needs the memory of one chunk."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv

from local.airbnb import schema
from local.airbnb import vocabulary as words
from local.airbnb.database import CsvStream
from local.airbnb.sessions import generate_sessions
from local.airbnb.users import UserChunk, generate_users

CHUNK = 5_000
AGE_BUCKETS = (*(f"{low}-{low + 4}" for low in range(0, 100, 5)), "100+")


def generate(users: int, seed: int) -> list[CsvStream]:
    """The four tables, each as a CSV stream that is computed while it is read.

    The same numbers of users and seed give the same bytes.

    :param users: how many users; about a third of them (the accounts of 2014) have sessions, some 75 each.
    :param seed: any integer ≥ 0.
    :raises ValueError: for fewer than one user or a negative seed.
    """
    if users < 1 or seed < 0:
        raise ValueError(f"cannot generate {users} users with seed {seed}: at least 1 user and a seed ≥ 0 are needed")
    return [
        CsvStream("users", schema.USERS, _users(users, seed), "generated users"),
        CsvStream("sessions", schema.SESSIONS, _sessions(users, seed), "generated sessions"),
        CsvStream("countries", schema.COUNTRIES, _countries(), "generated countries"),
        CsvStream("age_gender_bkts", schema.AGE_GENDER_BKTS, _age_gender_bkts(), "generated age_gender_bkts"),
    ]


def chunks(users: int, seed: int) -> Iterator[tuple[int, UserChunk]]:
    """The users, chunk by chunk, each with its number; a chunk depends on the seed and its number alone."""
    for number, first in enumerate(range(0, users, CHUNK)):
        rng = np.random.default_rng([seed, number, 0])
        yield number, generate_users(rng, first, min(CHUNK, users - first), seed=seed)


def _users(users: int, seed: int) -> Iterator[bytes]:
    yield _header(schema.USERS)
    for _, chunk in chunks(users, seed):
        yield _csv(chunk.columns)


def _sessions(users: int, seed: int) -> Iterator[bytes]:
    yield _header(schema.SESSIONS)
    for number, chunk in chunks(users, seed):  # drawn a second time: cheaper than keeping them
        yield _csv(generate_sessions(np.random.default_rng([seed, number, 1]), chunk))


def _countries() -> Iterator[bytes]:
    yield _header(schema.COUNTRIES)
    yield _csv(
        dict(zip(schema.COUNTRIES, (np.array(values) for values in zip(*words.COUNTRIES, strict=True)), strict=True))
    )


def _age_gender_bkts() -> Iterator[bytes]:
    """People per age bucket, country and gender in 2015: a stationary population that thins out with age."""
    yield _header(schema.AGE_GENDER_BKTS)
    survival = 1 / (1 + np.exp((np.arange(len(AGE_BUCKETS)) * 5 - 72) / 8))
    for country, millions in words.POPULATION_MILLIONS.items():
        thousands = np.rint(millions * 1000 / 2 * survival / survival.sum()).astype(np.int64)
        for gender in ("male", "female"):
            lines = (
                f"{bucket},{country},{gender},{count},2015\n"
                for bucket, count in zip(AGE_BUCKETS, thousands, strict=True)
            )
            yield "".join(lines).encode()


def _header(columns: tuple[str, ...]) -> bytes:
    return (",".join(columns) + "\n").encode()


def _csv(columns: dict[str, Any]) -> bytes:
    table = pa.table({name: _arrow(values) for name, values in columns.items()})
    buffer = io.BytesIO()
    pyarrow.csv.write_csv(table, buffer, pyarrow.csv.WriteOptions(include_header=False))
    return buffer.getvalue()


def _arrow(values: Any) -> pa.Array:
    if isinstance(values, np.ma.MaskedArray):
        return pa.array(values.data, mask=np.ma.getmaskarray(values))
    return pa.array(values)
