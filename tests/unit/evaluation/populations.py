"""People who do not exist: seeded draws of one population, and engines that fail in known ways."""

import numpy as np
import pandas as pd

from services.gretel.table import Column, Kind, Schema, Table

KINDS = {
    "gender": Kind.CATEGORICAL,
    "age": Kind.INTEGER,
    "country": Kind.CATEGORICAL,
    "language": Kind.CATEGORICAL,
    "device": Kind.CATEGORICAL,
    "signed_up": Kind.DATE,
    "newsletter": Kind.BOOLEAN,
    "sessions": Kind.INTEGER,
    "min_secs": Kind.NUMERIC,
    "avg_secs": Kind.NUMERIC,
    "max_secs": Kind.NUMERIC,
    "bookings": Kind.INTEGER,
}
COUNTRIES = ("US", "FR", "IT", "GB", "ES", "CA", "DE", "NL", "AU", "PT")
QUASI_IDENTIFIERS = ("gender", "age", "country")
SENSITIVE = ("bookings", "device")


def table(frame: pd.DataFrame, **kinds: Kind) -> Table:
    """Make a table of a frame; kinds as given, else as in KINDS."""
    known = {**KINDS, **kinds}
    columns = tuple(
        Column(str(name), known[str(name)], decimals=(0, 2), format="%Y-%m-%d")
        if known[str(name)] in {Kind.NUMERIC, Kind.DATE}
        else Column(str(name), known[str(name)])
        for name in frame.columns
    )
    return Table(frame.reset_index(drop=True), Schema(columns))


def people(rows: int, seed: int) -> pd.DataFrame:
    """Draw users with nulls, heavy tails, dirt and a min <= avg <= max rule from one fixed population."""
    rng = np.random.default_rng(seed)
    activity = rng.gamma(2.0, 1.0, rows)
    country = rng.choice(COUNTRIES, rows, p=[0.45, 0.13, 0.1, 0.08, 0.07, 0.06, 0.04, 0.03, 0.025, 0.015])
    gender = rng.choice(["-unknown-", "FEMALE", "MALE", "OTHER"], rows, p=[0.44, 0.3, 0.25, 0.01])
    age = np.clip(np.round(rng.normal(36, 11, rows) + 3 * (country == "US")), 18, 95)
    age = np.where(rng.random(rows) < 0.004, 2014, age)
    unknown = rng.random(rows) < np.where(gender == "-unknown-", 0.8, 0.12)
    sessions = rng.poisson(6 * activity) + 1
    average = np.round(np.exp(rng.normal(5, 1.2, rows)) * (0.5 + activity), 2)
    bookings = rng.poisson(np.where(activity > 2.5, 1.2, 0.15) * np.where(country == "US", 1.6, 0.8))
    native = {"FR": "fr", "IT": "it", "ES": "es", "DE": "de"}
    language = np.array([native.get(place, "en") for place in country], dtype=object)
    language[rng.random(rows) < 0.6] = "en"
    device = np.where(
        activity > 2, rng.choice(["desktop", "phone"], rows), rng.choice(["phone", "tablet", "desktop"], rows)
    )
    return pd.DataFrame(
        {
            "gender": pd.Series(gender, dtype=object),
            "age": pd.array(np.where(unknown, np.nan, age), dtype="Int64"),
            "country": pd.Series(country, dtype=object),
            "language": pd.Series(language, dtype=object),
            "device": pd.Series(device, dtype=object),
            "signed_up": pd.Timestamp("2013-01-01") + pd.to_timedelta(rng.integers(0, 540, rows), unit="D"),
            "newsletter": pd.array(rng.random(rows) < 0.3 + 0.1 * np.minimum(bookings, 3), dtype="boolean"),
            "sessions": pd.array(sessions, dtype="Int64"),
            "min_secs": np.round(average * rng.beta(1, 6, rows), 2),
            "avg_secs": average,
            "max_secs": np.round(average * (1 + rng.gamma(2, 1.5, rows)), 2),
            "bookings": pd.array(bookings, dtype="Int64"),
        }
    )


def shuffled_columns(frame: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Keep every column's values and break every relation between columns."""
    rng = np.random.default_rng(seed)
    return pd.DataFrame({name: frame[name].to_numpy()[rng.permutation(len(frame))] for name in frame.columns}).astype(
        frame.dtypes
    )


def jittered(frame: pd.DataFrame, seed: int, share: float = 0.01) -> pd.DataFrame:
    """Move every number a little and keep the rest."""
    rng = np.random.default_rng(seed)
    moved = frame.copy()
    for name in ("min_secs", "avg_secs", "max_secs"):
        moved[name] = (frame[name] * rng.normal(1, share, len(frame))).round(2)
    return moved


def with_replaced_cells(frame: pd.DataFrame, seed: int, share: float) -> pd.DataFrame:
    """Replace a share of all cells, at random, by other people's."""
    rng = np.random.default_rng(seed)
    other, noisy = people(len(frame), seed + 1), frame.copy()
    for name in frame.columns:
        replaced = rng.random(len(frame)) < share
        column = frame[name].copy()
        column[replaced] = other[name][replaced]
        noisy[name] = column
    return noisy


def eccentrics(rows: int) -> pd.DataFrame:
    """Make people who are unlike anybody else, each in a way of their own."""
    odd = people(rows, 999)
    rank = np.arange(rows)
    odd["age"] = pd.array(100 + rank, dtype="Int64")
    odd["sessions"] = pd.array(7_013 + 531 * rank, dtype="Int64")
    odd["avg_secs"] = 987_654.25 + 71_717.5 * rank
    odd["max_secs"] = odd["avg_secs"] * 3
    odd["bookings"] = pd.array(300 + 17 * rank, dtype="Int64")
    return odd


def stacked(*frames: pd.DataFrame) -> pd.DataFrame:
    return pd.concat(frames, ignore_index=True)
