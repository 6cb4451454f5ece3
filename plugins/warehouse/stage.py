"""Files into staging tables, and whether these hold what they should. Nothing else is touched yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from warehouse.errors import CheckError, LoadError
from warehouse.load_plan import Files, LoadColumn, LoadPlan
from warehouse.redshift import Session, StatementError
from warehouse.redshift_sql import lines, literal, names, quote, render

LOAD_ERRORS = ("stl_load_errors", "sys_load_error_detail")


@dataclass(frozen=True)
class Authorization:
    """What lets Redshift read S3.

    :param sql: clauses of COPY, such as `IAM_ROLE 'arn:…'`.
    :param secrets: parts of it that nobody may see.
    """

    sql: str
    secrets: tuple[str, ...] = ()


def stage(number: int) -> str:
    """The staging table of a plan's files."""
    return f"_stage_{number}"


def render_stage(columns: Sequence[LoadColumn], number: int) -> list[str]:
    """Create the staging table of one COPY."""
    definitions = lines(f"{quote(column.name)} {column.type}" for column in columns)
    return [render("stage", stage=stage(number), definitions=definitions)]


def render_copy(columns: Sequence[LoadColumn], files: Files, number: int, authorization: str) -> list[str]:
    """Load files into their staging table; nothing where there are none.

    :param authorization: what lets Redshift read S3, such as `IAM_ROLE 'arn:…'`; REGION, too, if it needs one.
    """
    if not files.parts:
        return []
    # Parquet's columns are matched by position, and COPY takes no list for it.
    parquet = any("PARQUET" in option.upper() for option in files.options)
    return [
        render(
            "copy",
            stage=stage(number),
            columns="" if parquet else f" ({names(column.name for column in columns)})",
            url=literal(files.url),
            authorization=authorization,
            options="\n".join(files.options),
        )
    ]


def measures_of(plan: LoadPlan, number: int) -> list[tuple[str, str]]:
    """What is measured in a staging table besides rows and NULLs: "non_null" or "sums", and the column."""
    if (counts := plan.files[number].counts) is None:
        return []
    wanted = [("non_null", column.name) for column in plan.columns if column.name in counts.non_null]
    return wanted + [("sums", column.name) for column in plan.columns if column.name in counts.sums]


def render_measure_stage(plan: LoadPlan, number: int) -> list[str]:
    """Measure a staging table: rows, rows with NULL in key and order key, then :func:`measures_of` in its order."""
    measures = ["COUNT(*)", f"COUNT(CASE WHEN {_has_nulls(plan)} THEN 1 END)" if plan.key else "0"]
    for kind, name in measures_of(plan, number):
        measures.append(f"COUNT({quote(name)})" if kind == "non_null" else _sum(name, plan.type_of(name)))
    return [render("measure_stage", stage=stage(number), measures=lines(measures))]


def _sum(name: str, kind: str) -> str:
    scale = int(kind.rstrip(")").rpartition(",")[2]) if kind.startswith("DECIMAL") else 0
    return f"SUM({quote(name)}::DECIMAL(38,{scale}))"


def render_null_keys(plan: LoadPlan, number: int) -> list[str]:
    """Count rows with NULL in key or order key."""
    return [render("null_keys", stage=stage(number), has_nulls=_has_nulls(plan))]


def render_repeated_keys(plan: LoadPlan, number: int) -> list[str]:
    """Count keys of which no row is the newest: several without an order, or different ones with the same."""
    differing = [f"COUNT(DISTINCT {value}) > 1 OR COUNT({value}) NOT IN (0, COUNT(*))" for value in _comparable(plan)]
    rank = f"RANK() OVER (PARTITION BY {names(plan.key)} ORDER BY {quote(plan.order_key or plan.key[0])} DESC)"
    return [
        render(
            "repeated_keys",
            stage=stage(number),
            key=names(plan.key),
            columns=lines(quote(column.name) for column in plan.columns),
            rank=rank,
            ambiguous=f"AND ({' OR '.join(differing)})" if plan.order_key and differing else "",
        )
    ]


def stage_files(session: Session, plan: LoadPlan, number: int, authorization: Authorization) -> None:
    """Load files into their staging table, and hold it against what was counted.

    :raises LoadError: Redshift cannot load them, or their keys are not keys.
    :raises CheckError: they do not hold what was extracted.
    """
    files = plan.files[number]
    _copy(session, plan, files, number, authorization)
    [(rows, nulls, *values)] = session.run(render_measure_stage(plan, number))
    if nulls:
        raise LoadError(_explain_nulls(session, plan, files, nulls, authorization))
    if files.counts:
        _check_counts(plan, number, rows, values)
    elif plan.key:
        _check_repeated_keys(session, plan, number)


def _copy(session: Session, plan: LoadPlan, files: Files, number: int, authorization: Authorization) -> None:
    session.run(render_stage(plan.columns, number))
    try:
        session.run(render_copy(plan.columns, files, number, authorization.sql))
    except StatementError as error:
        raise LoadError(
            f"{plan.target}: Redshift cannot load {files.url}: {_explain_copy(session, error)}. The target is as it was"
        ) from error


def _explain_copy(session: Session, error: StatementError) -> str:
    """Where COPY stumbled, without the value, which may be personal data."""
    if not any(view in error.message for view in LOAD_ERRORS):
        return error.message
    places = [
        f"{file}, line {line}, column {column!r} ({kind}{f'({length})' if length else ''}): {reason}"
        for file, line, column, kind, length, reason in session.run([render("load_errors")])
    ]
    return "; ".join(places) or error.message


def _explain_nulls(session: Session, plan: LoadPlan, files: Files, nulls: int, authorization: Authorization) -> str:
    """Say how many rows have NULL in the key, and in which files; each of several is loaded once more, alone."""
    places: list[str] = []
    number, remaining = len(plan.files), nulls
    for url in files.parts if len(files.parts) > 1 else ():
        alone = replace(
            files, url=url, parts=(url,), options=tuple(item for item in files.options if item != "MANIFEST")
        )
        _copy(session, plan, alone, number, authorization)
        [(count,)] = session.run(render_null_keys(plan, number))
        places += [f"{url} ({count:,})"] if count else []
        remaining -= count
        number += 1
        if not remaining:
            break
    return (
        f"{plan.target}: {nulls:,} rows have NULL in {', '.join(_needed(plan))}, in "
        f"{', '.join(places or files.parts)}. A row without its key or order_key has no place in the "
        "target; correct it where it comes from. The target is as it was"
    )


def _check_counts(plan: LoadPlan, number: int, rows: int, values: Sequence[Any]) -> None:
    files = plan.files[number]
    assert files.counts is not None
    differences = [] if rows == files.counts.rows else [f"rows: {files.counts.rows:,} extracted, {rows:,} loaded"]
    remedy = "extract again"
    for (kind, name), value in zip(measures_of(plan, number), values, strict=True):
        expected = getattr(files.counts, kind)[name]
        if value != expected:
            what = "values" if kind == "non_null" else "sum"
            differences.append(f"{what} of {name!r}: {expected} extracted, {value} loaded")
            if kind == "non_null" and plan.type_of(name).startswith("VARBYTE"):
                remedy = "from CSV, Redshift loads empty binary values as NULL: give the table format: parquet"
    if differences:
        raise CheckError(
            f"{plan.target}: what was loaded from {files.url} is not what was extracted: {'; '.join(differences)}. "
            f"The target is as it was; {remedy}"
        )


def _check_repeated_keys(session: Session, plan: LoadPlan, number: int) -> None:
    [(repeated,)] = session.run(render_repeated_keys(plan, number))
    if repeated:
        what = (
            f"several different rows with the same newest {plan.order_key!r}"
            if plan.order_key
            else "several rows, and no order_key says which is the newest"
        )
        raise LoadError(
            f"{plan.target}: in {plan.files[number].url} {repeated:,} keys ({', '.join(plan.key)}) have {what}. The "
            "target is as it was"
        )


def _needed(plan: LoadPlan) -> list[str]:
    return [*plan.key, *([plan.order_key] if plan.order_key else [])]


def _has_nulls(plan: LoadPlan) -> str:
    return " OR ".join(f"{quote(name)} IS NULL" for name in _needed(plan))


def _comparable(plan: LoadPlan) -> list[str]:
    """The columns apart from the key, as values that COUNT(DISTINCT …) takes."""
    return [
        f"JSON_SERIALIZE({quote(column.name)})" if column.type == "SUPER" else quote(column.name)
        for column in plan.columns
        if column.name not in plan.key
    ]
