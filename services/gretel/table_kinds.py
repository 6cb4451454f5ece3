"""From the text of a CSV column to its kind and values, and back to text.

Inference looks at the distinct values: a kind is taken when every one of them reads as it. Null spellings such as
`NULL` or `NaN` are recognised in columns of numbers, dates and booleans only: in a column of words, `NA` is a word.
"""

import re
from dataclasses import replace

import numpy as np
import pandas as pd

from services.gretel.table import Column, Kind

NULL_SPELLINGS = frozenset({"NULL", "null", "NaN", "nan", "NA", "N/A", "None", "none", "\\N", "NaT"})
# Not numbers a model can learn from; read as nulls.
INFINITIES = frozenset({"inf", "-inf", "Infinity", "-Infinity", "infinity", "-infinity"})
# Placeholders for "no date" which 64-bit nanoseconds cannot hold.
NO_DATES = frozenset({"0000-00-00", "0000-00-00 00:00:00", "9999-12-31", "9999-12-31 00:00:00", "9999-12-31 23:59:59"})
BOOLEANS = (
    ("false", "true"),
    ("False", "True"),
    ("FALSE", "TRUE"),
    ("f", "t"),
    ("F", "T"),
    ("no", "yes"),
    ("No", "Yes"),
)

INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,17})")
DECIMAL = re.compile(r"-?[0-9]*\.?[0-9]*(?:[eE][+-]?[0-9]{1,3})?")
FRACTION = re.compile(r"\.([0-9]{1,9})$")
ZONE = re.compile(r"(?<=[0-9])(Z|[+-][0-9]{2}(?::?[0-9]{2})?)$")
KEY_NAME = re.compile(
    r"(?:^|[_\W])(?i:id|key|uuid|guid|pk|number|no|nr)$|[a-z](?:Id|ID|Key|Uuid|Guid)$|^(?i:id|key|uuid|guid)(?:[_\W]|$)"
)

# The first that reads every value and writes it back unchanged is taken; an ambiguous 01/02/2020 is read month first.
DATES = ("%Y-%m-%d", "%Y/%m/%d", "%m/%d/%Y", "%d/%m/%Y", "%d.%m.%Y", "%d-%m-%Y", "%-m/%-d/%Y", "%-d/%-m/%Y", "%Y%m%d")
TIMES = ("%H:%M:%S", "%H:%M")
DATETIMES = (*(f"{date}{gap}{time}" for date in DATES[:-1] for gap in (" ", "T") for time in TIMES), "%Y%m%d%H%M%S")
DIGITS_ONLY = frozenset({"%Y%m%d", "%Y%m%d%H%M%S"})
PLAUSIBLE_YEARS = (1900, 2100)

FEW_ROWS = 50
RARE = 5
LONG_TEXT_WORDS = 4
MAX_KEY_CHARACTERS = 64


def infer_column(name: str, values: np.ndarray) -> tuple[Column, pd.Series]:
    """Infer a column's kind from its text and convert it.

    :param values: object array of strings, "" for null.
    :returns: the column, and its values with the dtype of its kind.
    """
    codes, distinct = pd.factorize(values)
    counts = np.bincount(codes, minlength=len(distinct))
    words = [text for text in distinct if text]
    if not words:
        return Column(name, Kind.EMPTY), _objects(values)
    if len(distinct) == 1:
        return Column(name, Kind.CONSTANT), _objects(values)
    for read in (_read_boolean, _read_digit_date, _read_number, _read_date):
        found = read(name, words)
        if found is None:
            continue
        column, parsed = found
        spellings = {text: counts[i] for i, text in enumerate(distinct) if text not in parsed.index}
        if spellings:
            column = replace(column, null=max(spellings, key=lambda text: (spellings[text], text)))
        series = parsed.reindex(distinct).iloc[codes].reset_index(drop=True)
        if column.kind is Kind.INTEGER and _is_integer_key(name, series):
            return Column(name, Kind.KEY), _objects(values)
        return column, series
    return Column(name, _kind_of_words(words, counts[np.asarray([bool(text) for text in distinct])])), _objects(values)


def render(column: Column, series: pd.Series) -> list[str]:
    """Spell a column's values as its file did.

    :param series: values with the dtype of the column's kind.
    :returns: one string per row.
    """
    codes, distinct = pd.factorize(series)
    texts = np.asarray([*_render_distinct(column, pd.Series(distinct)), column.null], dtype=object)
    return list(texts[codes])  # code -1, a null, picks the last


def _render_distinct(column: Column, distinct: pd.Series) -> list[str]:
    if column.kind is Kind.BOOLEAN:
        return [column.spelling[bool(value)] for value in distinct]
    if column.kind is Kind.INTEGER:
        return [str(int(value)) for value in distinct]
    if column.kind is Kind.NUMERIC:
        return [_render_number(column, float(value)) for value in distinct]
    if column.kind in {Kind.DATE, Kind.DATETIME}:
        return _render_dates(column, distinct)
    return [str(value) for value in distinct]


def _render_number(column: Column, value: float) -> str:
    if column.scientific:
        return repr(value)
    low, high = column.decimals
    text = f"{value:.{high}f}"
    if high > low:
        text = text[: len(text) - high + low] + text[len(text) - high + low :].rstrip("0")
        text = text.rstrip(".")
    return text.removeprefix("-") if float(text) == 0 else text


def _render_dates(column: Column, distinct: pd.Series) -> list[str]:
    moments = pd.Series(pd.to_datetime(distinct))
    texts = moments.dt.strftime(column.format)
    low, high = column.decimals
    if high:
        fractions = (moments.dt.microsecond * 1000 + moments.dt.nanosecond).map("{:09d}".format).str[:high]
        kept = fractions.str[:low] + fractions.str[low:].str.rstrip("0")
        texts = texts + kept.map(lambda digits: f".{digits}" if digits else "")
    return list(texts + column.zone)


def _read_boolean(name: str, words: list[str]) -> tuple[Column, pd.Series] | None:
    found = set(words) - NULL_SPELLINGS
    for false, true in BOOLEANS:
        if found == {false, true}:
            column = Column(name, Kind.BOOLEAN, spelling=(false, true))
            return column, pd.Series([False, True], index=[false, true], dtype="boolean")
    return None


def _read_number(name: str, words: list[str]) -> tuple[Column, pd.Series] | None:
    numbers = [text for text in words if text not in NULL_SPELLINGS and text not in INFINITIES]
    if not numbers:
        return None
    if all(INTEGER.fullmatch(text) for text in numbers):
        return Column(name, Kind.INTEGER), pd.Series(pd.array([int(text) for text in numbers], "Int64"), index=numbers)
    if not all(DECIMAL.fullmatch(text) and any(map(str.isdigit, text)) for text in numbers) or _is_code(numbers):
        return None
    values = np.asarray([float(text) for text in numbers])
    if not np.isfinite(values).all():
        return None
    digits = [len(text.partition(".")[2]) for text in numbers]
    scientific = any("e" in text.lower() for text in numbers)
    decimals = (0, 0) if scientific else (min(digits), max(digits))
    column = Column(name, Kind.NUMERIC, decimals=decimals, scientific=scientific)
    return column, pd.Series(values, index=numbers)


def _is_code(numbers: list[str]) -> bool:
    """Digits that are no quantity: leading zeros, or more of them than a 64-bit integer holds."""
    whole = [text.lstrip("-").partition(".") for text in numbers if "e" not in text.lower()]
    return any((len(digits) > 1 and digits[0] == "0") or (len(digits) > 18 and not point) for digits, point, _ in whole)


def _read_digit_date(name: str, words: list[str]) -> tuple[Column, pd.Series] | None:
    """20140701 and 20140701000006: digits, but every one of them a plausible date."""
    if len(words) < RARE or not words[0].isdigit():
        return None
    for form, kind in (("%Y%m%d", Kind.DATE), ("%Y%m%d%H%M%S", Kind.DATETIME)):
        found = _read_format(Column(name, kind, format=form), words, words)
        if found is not None and found[1].dt.year.between(*PLAUSIBLE_YEARS).all():
            return found
    return None


def _read_date(name: str, words: list[str]) -> tuple[Column, pd.Series] | None:
    texts = [text for text in words if text not in NULL_SPELLINGS | INFINITIES | NO_DATES]
    if not texts or not texts[0][0].isdigit():
        return None
    for form in DATES:
        found = None if form in DIGITS_ONLY else _read_format(Column(name, Kind.DATE, format=form), texts, texts)
        if found is not None:
            return found
    zones = {match[1] if (match := ZONE.search(text)) and ":" in text else "" for text in texts}
    if len(zones) > 1:
        return _read_mixed_zones(name, texts)
    zone = zones.pop()
    plain = [text.removesuffix(zone) for text in texts]
    fractions = [match[1] if (match := FRACTION.search(text)) else "" for text in plain]
    lengths = [len(fraction) for fraction in fractions]
    whole = [text.removesuffix(f".{fraction}") for text, fraction in zip(plain, fractions, strict=True)]
    column = Column(name, Kind.DATETIME, decimals=(min(lengths), max(lengths)), zone=zone)
    for form in DATETIMES:
        found = None if form in DIGITS_ONLY else _read_format(replace(column, format=form), texts, whole)
        if found is not None:
            nanoseconds = [int(fraction.ljust(9, "0")) for fraction in fractions]
            return found[0], found[1] + pd.to_timedelta(nanoseconds, unit="ns")
    return None


def _read_mixed_zones(name: str, texts: list[str]) -> tuple[Column, pd.Series] | None:
    """Times with several UTC offsets, as a session in a zone with summer time gives them: kept in UTC."""
    moments = pd.to_datetime(pd.Series(texts, dtype=object), format="ISO8601", errors="coerce", utc=True)
    if moments.isna().any():
        return None
    form = "%Y-%m-%dT%H:%M:%S" if "T" in texts[0] else "%Y-%m-%d %H:%M:%S"
    digits = 6 if (moments.dt.microsecond > 0).any() else 0
    column = Column(name, Kind.DATETIME, decimals=(0, digits), format=form, zone="+00:00")
    return column, pd.Series(moments.dt.tz_localize(None).to_numpy("datetime64[ns]"), index=texts)


def _read_format(column: Column, texts: list[str], whole: list[str]) -> tuple[Column, pd.Series] | None:
    """Parse by the column's format; only a format that also writes every text back unchanged counts."""
    form = column.format.replace("%-", "%")
    if pd.isna(pd.to_datetime(whole[0], format=form, errors="coerce")):
        return None
    parsed = pd.to_datetime(pd.Series(whole, dtype=object), format=form, errors="coerce")
    if parsed.isna().any() or not parsed.dt.year.between(1678, 2261).all():
        return None
    moments = pd.Series(parsed.to_numpy("datetime64[ns]"), index=texts)
    if list(moments.dt.strftime(column.format)) != whole:
        return None
    return column, moments


def _is_integer_key(name: str, series: pd.Series) -> bool:
    """Distinct integers that count rows or are called an id."""
    if len(series) < RARE or series.isna().any() or not series.is_unique:
        return False
    values = series.to_numpy("int64")
    return bool(KEY_NAME.search(name)) or (
        len(values) >= FEW_ROWS and int(values.max()) - int(values.min()) < 2 * len(values)
    )


def _kind_of_words(words: list[str], counts: np.ndarray) -> Kind:
    """Tell keys, free text and categories apart by how often values repeat.

    :param counts: rows per word.
    """
    rows = int(counts.sum())
    if len(words) == rows and rows >= RARE and not any(_has_space(text) for text in words):
        return Kind.KEY if max(map(len, words)) <= MAX_KEY_CHARACTERS else Kind.TEXT
    if rows < FEW_ROWS:
        return Kind.TEXT if len(words) > rows / 2 else Kind.CATEGORICAL
    if int(counts[counts >= RARE].sum()) < rows / 2:
        return Kind.TEXT
    mean_words = sum(len(text.split()) * count for text, count in zip(words, counts, strict=True)) / rows
    return Kind.TEXT if mean_words >= LONG_TEXT_WORDS and len(words) > FEW_ROWS else Kind.CATEGORICAL


def _has_space(text: str) -> bool:
    return any(character.isspace() for character in text)


def _objects(values: np.ndarray) -> pd.Series:
    return pd.Series([text or None for text in values], dtype=object)
