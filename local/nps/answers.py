"""Rows of prod.nps: sixty days of answers, and the changes of the three days after."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt

FIRST_DAY = np.datetime64("2021-08-01")
DAYS = 60
END = FIRST_DAY + DAYS  # exclusive; the changes begin here
CHANGE_DAYS = 3
ANSWERS_PER_DAY = 2_550
EDITS_PER_DAY, DELETES_PER_DAY, LATE_ROWS = 400, 80, 150
PASSIVE_DAY = 21  # 2021-08-22: nobody promotes, nobody detracts
INCIDENT = range(36, 40)  # 6 to 9 September: the service was down
LATEST_COMMIT_MINUTES = 90  # how long after its own time a late row becomes visible

COLUMNS = ("id", "user_id", "email", "score", "comment", "channel", "created_at", "updated_at", "deleted")
COMMENTS = {
    "detractor": (
        "Too slow.",
        'The "new" app lost my booking 😡',
        "I waited two weeks,\nnobody answered.",
        "C:\\Users\\…",
    ),
    "passive": ("It's fine.", "ok", "", "Good, but pricey; 20 % too much"),
    "promoter": ("Wunderbar! 🎉", "¡Excelente!", "Would book again, and again, and again", "最高"),
}
NAMES = ("alex", "sam", "noor", "kim", "zoë", "jo.anne", "li-wei", "maria")
CHANNELS = ("web", "ios", "android", "email")

Row = tuple[Any, ...]
Micros = npt.NDArray[np.datetime64]


def answers(seed: int) -> list[Row]:
    """All rows as they stand at the end of the sixty days, in the order of their ids.

    About one in eight was changed after it was written and one in fifty is deleted. Ids follow the order in which rows
    became visible: late rows have a greater id than younger ones.
    """
    rng = np.random.default_rng([seed, 0])
    day = np.repeat(np.arange(DAYS), _answers_per_day(rng))
    created = _moments(rng, day)
    late = rng.random(len(day)) < 0.005
    visible = created + (late * rng.integers(1, LATEST_COMMIT_MINUTES, len(day))).astype("timedelta64[m]")
    order = np.argsort(visible, kind="stable")
    day, created = day[order], created[order]
    untouched = day == PASSIVE_DAY
    changed = (rng.random(len(day)) < 0.125) & ~untouched
    deleted = (rng.random(len(day)) < 0.02) & ~untouched
    wait = (rng.exponential(5 * 86_400e6, len(day))).astype("timedelta64[us]")
    last = (END - np.timedelta64(1, "us")).astype("datetime64[us]")
    updated = np.where(changed | deleted, np.minimum(created + wait, last), created)
    return _rows(rng, np.arange(1, len(day) + 1), day, created, updated, deleted)


def changes(seed: int) -> list[Row]:
    """What happens from the sixty-first to the sixty-third day, as the rows that it leaves.

    New answers, edited and deleted ones of all ages, and late rows: their time lies before the end of the sixty days,
    but they are not among :func:`answers`.
    """
    before = answers(seed)
    rng = np.random.default_rng([seed, 1])
    live = [row for row in before if not row[COLUMNS.index("deleted")] and not _is_passive_day(row)]
    touched = rng.choice(len(live), (EDITS_PER_DAY + DELETES_PER_DAY) * CHANGE_DAYS, replace=False)
    edited, deleted = np.split(touched, [EDITS_PER_DAY * CHANGE_DAYS])
    rows = [_edit(live[i], rng, deleted=False) for i in edited] + [_edit(live[i], rng, deleted=True) for i in deleted]
    new_days = np.repeat(np.arange(DAYS, DAYS + CHANGE_DAYS), ANSWERS_PER_DAY)
    late = (END - rng.integers(1, LATEST_COMMIT_MINUTES * 60, LATE_ROWS).astype("timedelta64[s]")).astype(
        "datetime64[us]"
    )
    created = np.concatenate([np.sort(late), np.sort(_moments(rng, new_days))])
    day = np.concatenate([np.full(LATE_ROWS, DAYS - 1), new_days])
    ids = len(before) + 1 + np.arange(len(day))
    return rows + _rows(rng, ids, day, created, created, np.zeros(len(day), bool))


def _answers_per_day(rng: np.random.Generator) -> npt.NDArray[np.int64]:
    weekday = (np.arange(DAYS) + 6) % 7  # the first day is a Sunday
    return np.maximum(rng.poisson(ANSWERS_PER_DAY * np.where(weekday >= 5, 0.85, 1.08)), 1)


def _moments(rng: np.random.Generator, day: npt.NDArray[np.int64]) -> Micros:
    """A moment of each day, with microseconds, more in the evening."""
    second = rng.beta(2.4, 1.7, len(day)) * 86_400
    return (FIRST_DAY + day).astype("datetime64[us]") + (second * 1e6).astype("timedelta64[us]")


def _scores(rng: np.random.Generator, day: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Better from week to week, worse during the incident, 7 or 8 on the passive day."""
    mood = 8.0 + 0.012 * day - 3.0 * np.isin(day, list(INCIDENT))
    score = np.clip(np.rint(rng.normal(mood, 2.1)), 0, 10)
    passive = rng.integers(7, 9, len(day))
    return np.where(day == PASSIVE_DAY, passive, score).astype(np.int64)


def _rows(  # noqa: PLR0917 - the columns of one table, side by side
    rng: np.random.Generator,
    ids: npt.NDArray[np.int64],
    day: npt.NDArray[np.int64],
    created: Micros,
    updated: Micros,
    deleted: npt.NDArray[np.bool_],
) -> list[Row]:
    scores = _scores(rng, day).tolist()
    users = rng.integers(1, 60_000, len(ids)).tolist()
    channels = rng.choice(len(CHANNELS), len(ids), p=[0.5, 0.25, 0.2, 0.05]).tolist()
    talkative = (rng.random(len(ids)) < 0.4).tolist()
    variant = rng.integers(0, 4, len(ids)).tolist()
    columns = zip(
        ids.tolist(),
        users,
        map(_email, users),
        scores,
        (
            _comment(score, which) if talks else None
            for score, which, talks in zip(scores, variant, talkative, strict=True)
        ),
        (CHANNELS[channel] for channel in channels),
        created.tolist(),
        updated.tolist(),
        map(int, deleted.tolist()),
        strict=True,
    )
    return list(columns)


def _email(user: int) -> str | None:
    return None if user % 17 == 0 else f"{NAMES[user % len(NAMES)]}.{user}@example.org"


def _comment(score: int, variant: int) -> str:
    kind = "promoter" if score >= 9 else "passive" if score >= 7 else "detractor"
    return COMMENTS[kind][variant]


def _is_passive_day(row: Row) -> bool:
    created: datetime = row[COLUMNS.index("created_at")]
    return created.date() == (FIRST_DAY + PASSIVE_DAY).astype(object)


def _edit(row: Row, rng: np.random.Generator, *, deleted: bool) -> Row:
    """The row after a change on one of the three days; the changed score brings a comment."""
    values = dict(zip(COLUMNS, row, strict=True))
    start: datetime = END.astype("datetime64[us]").astype(object)
    values["updated_at"] = start + timedelta(microseconds=int(rng.integers(0, CHANGE_DAYS * 86_400_000_000)))
    if deleted:
        values["deleted"] = 1
    else:
        values["score"] = int(rng.integers(0, 11))
        values["comment"] = _comment(values["score"], int(rng.integers(0, 4)))
    return tuple(values[name] for name in COLUMNS)
