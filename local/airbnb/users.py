"""Generated users: one chunk of the `users` table, with the joint structure and the dirt of Kaggle's file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from local.airbnb import vocabulary as words

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Strings = npt.NDArray[Any]

YEAR_SHARES = {2010: 0.013, 2011: 0.055, 2012: 0.185, 2013: 0.388, 2014: 0.359}
FIRST_DAY_WITHOUT_USERS = np.datetime64("2014-07-01")
SESSIONS_RECORDED_SINCE = np.datetime64("2014-01-01")
BASE36 = np.frombuffer(b"0123456789abcdefghijklmnopqrstuvwxyz", dtype="S1")
MULTIPLIERS = np.array([0x1CE4E5B9BF58476D, 0x133111EB94D049BB], dtype=np.uint64)  # odd, hence invertible


@dataclass(frozen=True)
class UserChunk:
    """Some users: the columns of their table, and what drives how they behave in the session log.

    :param columns: column name → values, all of one length; a masked array where a column has NULLs.
    :param intent: how set on travelling each user is; standard normal.
    """

    columns: dict[str, Any]
    intent: Floats

    @property
    def ids(self) -> Strings:
        return np.asarray(self.columns["id"])

    @property
    def booked(self) -> npt.NDArray[np.bool_]:
        return np.asarray(self.columns["country_destination"] != "NDF")

    @property
    def recorded(self) -> npt.NDArray[np.bool_]:
        """Users whose sessions can be in the log: it starts with 2014."""
        return np.asarray(self.columns["date_account_created"] >= SESSIONS_RECORDED_SINCE)


def generate_users(rng: np.random.Generator, first: int, count: int, *, seed: int) -> UserChunk:
    """Draw `count` users.

    :param rng: the chunk's own random generator.
    :param first: the running number of the first of them; ids are unique over all chunks of one seed.
    :param seed: makes the ids differ from seed to seed.
    """
    intent = rng.standard_normal(count)
    device = draw(rng, words.DEVICES, count)
    true_age = _true_age(rng, device)
    gender = _gender(rng, intent)
    language = draw(rng, words.LANGUAGES, count)
    created = _date_account_created(rng, count)
    channel = draw(rng, words.AFFILIATE_CHANNELS, count)
    app = draw_given(rng, words.APPS, device)
    tracked = draw(rng, words.FIRST_AFFILIATES_TRACKED, count)
    destination = _destination(rng, intent=intent, age=true_age, gender=gender, language=language, device=device)
    columns = {
        "id": user_ids(np.arange(first, first + count, dtype=np.uint64), seed),
        "date_account_created": created,
        "timestamp_first_active": _timestamp_first_active(rng, created),
        "date_first_booking": _date_first_booking(rng, created, destination, intent),
        "gender": gender,
        "age": _typed_age(rng, true_age, gender),
        "signup_method": _signup_method(rng, true_age, gender),
        "signup_flow": draw_given(rng, words.SIGNUP_FLOWS, app).astype(np.int64),
        "language": language,
        "affiliate_channel": channel,
        "affiliate_provider": draw_given(rng, words.AFFILIATE_PROVIDERS, channel),
        "first_affiliate_tracked": np.ma.masked_array(tracked, mask=tracked == ""),
        "signup_app": app,
        "first_device_type": device,
        "first_browser": draw_given(rng, words.BROWSERS, device),
        "country_destination": destination,
    }
    return UserChunk(columns=columns, intent=intent)


def draw(rng: np.random.Generator, shares: dict[Any, float], count: int) -> Strings:
    """Draw `count` values, each as likely as its share (shares need not sum to one exactly)."""
    weights = np.array(list(shares.values()))
    return rng.choice(np.array(list(shares)), size=count, p=weights / weights.sum())


def draw_given(rng: np.random.Generator, shares: dict[str, dict[Any, float]], given: Strings) -> Strings:
    """Draw one value for each element of `given`, by the shares that belong to that element."""
    values = np.empty(len(given), dtype=np.array([value for options in shares.values() for value in options]).dtype)
    for condition, options in shares.items():
        here = np.flatnonzero(given == condition)
        values[here] = draw(rng, options, len(here))
    return values


def draw_by_logits(rng: np.random.Generator, logits: Floats) -> Ints:
    """Draw one column index per row, with probabilities softmax(logits): the Gumbel-max method."""
    return (logits + rng.gumbel(size=logits.shape)).argmax(axis=1)


def user_ids(numbers: npt.NDArray[np.uint64], seed: int) -> Strings:
    """Ten base-36 characters per number, as Kaggle's ids look; different numbers give different ids.

    Each step is a bijection of the 51-bit integers (2⁵¹ < 36¹⁰), so no table of used ids is needed.
    """
    bits = np.uint64(2**51 - 1)
    mixed = numbers & bits
    for multiplier, key in zip(MULTIPLIERS, np.random.SeedSequence(seed).generate_state(2, np.uint64), strict=True):
        mixed = ((mixed ^ key) * multiplier) & bits
        mixed ^= mixed >> np.uint64(26)
    digits = np.empty((len(numbers), 10), dtype="S1")
    for place in range(9, -1, -1):
        mixed, digit = np.divmod(mixed, np.uint64(36))
        digits[:, place] = BASE36[digit]
    return digits.view("S10").ravel().astype("U10")


def _true_age(rng: np.random.Generator, device: Strings) -> Ints:
    """Years; Windows users are older, phone users younger."""
    shift = np.select([device == "Windows Desktop", np.isin(device, ["iPhone", "Android Phone"])], [3.0, -3.5], 0.0)
    return np.clip(18 + rng.gamma(2.4, 7.4, len(device)) + shift, 18, 95).astype(np.int64)


def _gender(rng: np.random.Generator, intent: Floats) -> Strings:
    """Who means to book completes the profile: '-unknown-' is rarer there."""
    options = list(words.GENDERS)
    logits = np.log(np.array(list(words.GENDERS.values())))[None, :].repeat(len(intent), axis=0)
    logits[:, options.index("-unknown-")] -= 0.45 * intent
    return np.array(options)[draw_by_logits(rng, logits)]


def _date_account_created(rng: np.random.Generator, count: int) -> npt.NDArray[np.datetime64]:
    """More each year, and more towards the end of each year."""
    first = draw(rng, YEAR_SHARES, count).astype("U4").astype("datetime64[D]")
    next_year = (first.astype("datetime64[Y]") + 1).astype("datetime64[D]")
    days = (np.minimum(next_year, FIRST_DAY_WITHOUT_USERS) - first).astype(np.int64)
    return first + (rng.random(count) ** 0.75 * days).astype("timedelta64[D]")


def _timestamp_first_active(rng: np.random.Generator, created: npt.NDArray[np.datetime64]) -> Ints:
    """YYYYMMDDHHMMSS as one integer; nearly always on the day the account was created."""
    lead = np.where(rng.random(len(created)) < 0.002, rng.integers(1, 400, len(created)), 0)
    day = created - lead.astype("timedelta64[D]")
    month = day.astype("datetime64[M]")
    year_number = day.astype("datetime64[Y]").astype(np.int64) + 1970
    month_number = month.astype(np.int64) % 12 + 1
    day_number = (day - month.astype("datetime64[D]")).astype(np.int64) + 1
    second = (rng.beta(2.2, 1.6, len(created)) * 86_400).astype(np.int64)
    clock = second // 3600 * 10_000 + second // 60 % 60 * 100 + second % 60
    return (year_number * 10_000 + month_number * 100 + day_number) * 1_000_000 + clock


def _destination(
    rng: np.random.Generator, *, intent: Floats, age: Ints, gender: Strings, language: Strings, device: Strings
) -> Strings:
    """The country of the first booking, or NDF: intent, a known gender, a computer and the years around 35 speak for
    a booking; where it goes depends on age and language.
    """
    options = list(words.DESTINATIONS)
    logits = np.log(np.array(list(words.DESTINATIONS.values())))[None, :].repeat(len(intent), axis=0)
    mobile = np.isin(device, ["iPhone", "Android Phone", "SmartPhone (Other)", "Other/Unknown"])
    unlikely = 0.15 - 1.1 * intent + 0.8 * (gender == "-unknown-") + 0.7 * mobile + 0.0008 * (age - 36.0) ** 2
    logits[:, options.index("NDF")] += unlikely - 0.45
    for country, by_decade in {"ES": -0.25, "NL": -0.3, "GB": 0.2, "AU": 0.2, "FR": 0.1, "PT": 0.15}.items():
        logits[:, options.index(country)] += by_decade * (age - 36.0) / 10
    for spoken, country in words.HOME_DESTINATION.items():
        logits[language == spoken, options.index(country)] += 2.2
    logits[:, options.index("US")] += 0.3 * (device == "Mac Desktop") - 0.8 * (language != "en")
    return np.array(options)[draw_by_logits(rng, logits)]


def _date_first_booking(
    rng: np.random.Generator, created: npt.NDArray[np.datetime64], destination: Strings, intent: Floats
) -> Any:
    """NULL for NDF; else on the day itself for a third, and after up to a year for the others, sooner with intent."""
    wait = np.where(rng.random(len(created)) < 0.33, 0.0, rng.exponential(45 * np.exp(-0.4 * intent)))
    booked = created + np.minimum(wait, 364).astype("timedelta64[D]")
    before_signing_up = rng.random(len(created)) < 0.0003  # Kaggle's file has a few
    booked = np.where(before_signing_up, created - np.timedelta64(57, "D"), booked)
    return np.ma.masked_array(booked, mask=destination == "NDF")


def _typed_age(rng: np.random.Generator, true_age: Ints, gender: Strings) -> Any:
    """The age as users typed it: 42 % NULL, and years, birth years, 105 and children among the rest."""
    count = len(true_age)
    age = true_age.copy()
    lot = rng.random(count)
    age = np.select(
        [lot < 0.0060, lot < 0.0066, lot < 0.0072, lot < 0.0160, lot < 0.0185],
        [
            np.full(count, 2014),
            np.full(count, 2013),
            2014 - true_age,
            np.where(rng.random(count) < 0.8, 105, 110),
            rng.choice([1, 2, 4, 5, 15, 16, 17], count),
        ],
        age,
    )
    missing = rng.random(count) < np.where(gender == "-unknown-", 0.785, 0.125)
    return np.ma.masked_array(age, mask=missing)


def _signup_method(rng: np.random.Generator, age: Ints, gender: Strings) -> Strings:
    """Facebook brings a gender along, and is a thing of the younger."""
    logits = np.log(np.array(list(words.SIGNUP_METHODS.values())))[None, :].repeat(len(age), axis=0)
    logits[:, 1] += 0.6 * (gender != "-unknown-") - 0.35 - 0.03 * (age - 36.0)
    return np.array(list(words.SIGNUP_METHODS))[draw_by_logits(rng, logits)]
