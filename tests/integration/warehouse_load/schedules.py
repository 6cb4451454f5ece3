"""Random histories of a table, and random ways to carry them over.

A schedule holds several sequences of changes. Each has rows of its own (the first column of the key), so they cannot
meet, and all share the intervals, the order of loads, the replays and the failures.

The clock is the schedule's, in ticks. What the contract asks for holds: a change moves its row's cursor (or leaves it
in the same second), a delete is a flag, and a change is committed within the lookback after the time of its cursor.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

TICK = 10  # seconds of the cursor
WIDTH = 10  # ticks of an interval
LOOKBACK = 6  # ticks
INTERVALS = 5
ROWS = 3  # of a sequence
TEXTS = (None, "", "a", '"quoted", 100%', "line\nbreak", "\\N", "😀 é", "NULL", " ")


@dataclass(frozen=True)
class Change:
    """A row as it is from now on."""

    sequence: int
    row: int
    cursor: int
    deleted: bool
    values: tuple[Any, ...]


@dataclass(frozen=True)
class Extract:
    """The ticks `start` ≤ cursor < `end` are extracted; a full refresh has none.

    :param lost: what was extracted is never loaded: the task failed, and another takes its place.
    """

    number: int
    start: int | None
    end: int | None
    lost: bool = False


@dataclass(frozen=True)
class Load:
    """An extract is loaded.

    :param killed: after how many statements the first try is killed; None if it is not.
    :param beside: another extract that is loaded at the same moment.
    """

    extract: int
    killed: int | None = None
    beside: int | None = None


Step = Change | Extract | Load


def schedule(histories: Sequence[random.Random | None], rng: random.Random) -> Iterator[Step]:
    """The steps of one schedule, in the order in which they happen.

    :param histories: what each sequence's changes are drawn from; None has no change.
    :param rng: what the extracts and loads are drawn from.
    """
    end = INTERVALS * WIDTH
    extracts = list(_extracts(rng, end))
    cursors: dict[tuple[int, int], int] = {}
    waiting: list[Extract] = []
    loaded: list[Extract] = []
    last = max(at for at, _ in extracts)
    for tick in range(last + 1):
        if tick < end:
            for sequence, history in enumerate(histories):
                for _ in range(history.choice((0, 0, 0, 1, 1, 2)) if history else 0):
                    yield _change(history, sequence, tick, cursors)
        for extract in (extract for at, extract in extracts if at == tick):
            yield extract
            waiting += [] if extract.lost else [extract]
        while waiting and rng.random() < 0.3:
            yield _load(rng, waiting, loaded)
        if loaded and rng.random() < 0.1:  # a replay
            yield Load(rng.choice(loaded).number)
    while waiting:
        yield _load(rng, waiting, loaded)
    for extract in rng.sample(loaded, k=min(2, len(loaded))):
        yield Load(extract.number)


def _extracts(rng: random.Random, end: int) -> Iterator[tuple[int, Extract]]:
    """When which window is extracted: never before its end, all of them at last, some several times."""
    number = 0
    for start in range(0, end, WIDTH):
        for attempt in range(rng.choice((1, 1, 2))):
            at = start + WIDTH + (rng.randrange(3 * WIDTH) if rng.random() < 0.6 else 0)
            yield at, Extract(number, start, start + WIDTH, lost=attempt == 0 and rng.random() < 0.1)
            number += 1
        yield end + rng.randrange(5), Extract(number, start, start + WIDTH)
        number += 1
    for _ in range(rng.randrange(3)):  # backfills that overlap with other windows
        first, beyond = sorted(rng.sample(range(end + 1), 2))
        yield max(beyond, rng.randrange(end + WIDTH)), Extract(number, first, beyond)
        number += 1
    if rng.random() < 0.3:
        yield rng.randrange(end), Extract(number, None, None)


def _change(rng: random.Random, sequence: int, tick: int, cursors: dict[tuple[int, int], int]) -> Change:
    key = (sequence, rng.randrange(ROWS))
    late = rng.randrange(LOOKBACK) if rng.random() < 0.2 else 0
    cursors[key] = max(cursors.get(key, 0), tick - late, 0)
    values = (
        rng.choice((None, 0, 9, -128, 127)),
        rng.choice(TEXTS),
        rng.choice((None, Decimal("0.00"), Decimal("-1.50"), Decimal("9999999999.99"))),
        rng.choice((None, 0, 2**64 - 1)),
        rng.choice((None, "2021-09-16 01:02:03.000004", "1969-12-31 23:59:59.999999")),
    )
    return Change(*key, cursors[key], rng.random() < 0.2, values)


def _load(rng: random.Random, waiting: list[Extract], loaded: list[Extract]) -> Load:
    extract = waiting.pop(rng.randrange(len(waiting)))
    loaded.append(extract)
    if extract.start is not None and waiting and rng.random() < 0.15:
        other = waiting.pop(rng.randrange(len(waiting)))
        loaded.append(other)
        return Load(extract.number, beside=other.number)
    return Load(extract.number, killed=rng.randrange(1, 22) if rng.random() < 0.15 else None)
