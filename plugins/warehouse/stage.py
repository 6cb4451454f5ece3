"""Renders the first half of a load: files into staging tables, and what is measured there."""

from __future__ import annotations

from collections.abc import Sequence

from warehouse.load_plan import Files, LoadColumn, LoadPlan
from warehouse.redshift_sql import lines, names, quote, render


def stage(number: int) -> str:
    """The staging table of a plan's files."""
    return f"_stage_{number}"


def render_stage(columns: Sequence[LoadColumn], number: int) -> list[str]:
    """Create the staging table for one COPY."""
    definitions = lines(f"{quote(column.name)} {column.type}" for column in columns)
    return [render("stage", stage=stage(number), definitions=definitions)]


def render_copy(columns: Sequence[LoadColumn], files: Files, number: int, authorization: str) -> list[str]:
    """Load files into their staging table; nothing where there are none.

    :param authorization: what lets Redshift read S3, such as `IAM_ROLE 'arn:…'`; REGION, too, if it needs one.
    """
    if files.empty:
        return []
    return [
        render(
            "copy",
            stage=stage(number),
            # Parquet's columns are matched by position, and COPY takes no list for it.
            columns="" if "FORMAT AS PARQUET" in files.options else f" ({names(column.name for column in columns)})",
            url=files.url.replace("'", "''"),
            authorization=authorization,
            options="\n".join(files.options),
        )
    ]


def measures_of(columns: Sequence[LoadColumn], files: Files) -> list[tuple[str, str]]:
    """What is measured in a staging table besides the rows' number: "non_null" or "sums", and the column."""
    if files.counts is None:
        return []
    wanted = [("non_null", column.name) for column in columns if column.name in files.counts.non_null]
    return wanted + [("sums", column.name) for column in columns if column.name in files.counts.sums]


def render_measure_stage(plan: LoadPlan, number: int) -> list[str]:
    """Measure a staging table: rows, rows with a NULL in the key, then :func:`measures_of` in its order."""
    nulls = " OR ".join(f"{quote(name)} IS NULL" for name in plan.key)
    measures = ["COUNT(*)", f"COUNT(CASE WHEN {nulls} THEN 1 END)"]
    for kind, name in measures_of(plan.columns, plan.files[number]):
        measures.append(f"COUNT({quote(name)})" if kind == "non_null" else _sum(name, plan.type_of(name)))
    return [render("measure_stage", stage=stage(number), measures=lines(measures))]


def _sum(name: str, kind: str) -> str:
    scale = int(kind.rstrip(")").rpartition(",")[2]) if kind.startswith("DECIMAL") else 0
    return f"SUM({quote(name)}::DECIMAL(38,{scale}))"
