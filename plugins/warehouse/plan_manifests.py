"""From manifests of the extract to a load's plan."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from warehouse.errors import LoadError
from warehouse.load_plan import Files, LoadColumn, LoadPlan, Method, Relation, match_names
from warehouse.manifest import Extract, KeyRange, Manifest

# What COPY of a manifest may be told beyond what that says; other options would change values or lose rows.
HARMLESS_OPTIONS = ("REGION", "COMPUPDATE", "STATUPDATE")


def plan_manifests(
    manifests: Mapping[str, Manifest],
    *,
    audit: Relation,
    target: Relation | None = None,
    method: Method = Method.UPSERT,
    column_list: Iterable[str] | None = None,
    copy_options: Sequence[str] = (),
    grants: Sequence[str] = (),
) -> LoadPlan:
    """Plan the load of manifests that MySQLToS3Operator wrote.

    :param manifests: by URL; several hold ranges of one table's keys, or windows of one table.
    :param target: None for the manifests' own.
    :param method: UPSERT, or REPLACE for a full refresh.
    :param column_list: columns to write; None for all.
    :param copy_options: of COPY, beyond what the manifests say.
    :param grants: who may read the columns that are not personal.
    :raises LoadError: they do not belong together, or do not hold what the method needs.
    """
    if not manifests:
        raise LoadError("there is no manifest to load; pass what MySQLToS3Operator returned")
    extracts = {url: manifest.extract for url, manifest in manifests.items()}
    url, first = next(iter(extracts.items()))
    _require_one_table(extracts)
    if method is Method.APPEND:
        raise LoadError(
            f"{url}: a manifest is not appended, because a rerun would double its rows; use UPSERT or REPLACE"
        )
    if method is Method.REPLACE:
        _require_whole_table(extracts)
        if column_list:
            raise LoadError(f"{url}: a full refresh replaces whole rows; leave column_list out")
    for option in copy_options:
        if not option.upper().startswith(HARMLESS_OPTIONS):
            raise LoadError(
                f"{url}: copy_options has {option!r}, and a manifest says itself how its files are read; only "
                f"{', '.join(HARMLESS_OPTIONS)} can be added"
            )
    names = [column.name for column in first.columns]
    return LoadPlan(
        target=target or Relation.parse(first.target),
        audit=audit,
        columns=tuple(LoadColumn(column.name, column.type, column.pii is not None) for column in first.columns),
        written=match_names(column_list or names, names),
        files=tuple(_files(url, manifest, copy_options) for url, manifest in manifests.items()),
        method=method,
        key=first.primary_key,
        order_key=first.order_key,
        deleted_flag=first.deleted_flag,
        stamped=True,
        grants=tuple(grants),
    )


def _require_one_table(extracts: Mapping[str, Extract]) -> None:
    first_url, first = next(iter(extracts.items()))
    for url, extract in extracts.items():
        for name in ("target", "primary_key", "order_key", "deleted_flag", "columns"):
            if getattr(extract, name) != getattr(first, name):
                raise LoadError(
                    f"{url} has another {name} than {first_url}; load only manifests of one table together, and "
                    "extract again what was extracted before the table changed"
                )


def _require_whole_table(extracts: Mapping[str, Extract]) -> None:
    """A full refresh deletes what it does not bring, so it must bring all keys."""
    for url, extract in extracts.items():
        if extract.window:
            raise LoadError(f"{url} holds a window of time only; a full refresh needs an extract of the whole table")
    ranges = sorted((extract.key_range or KeyRange(column="") for extract in extracts.values()), key=_lower_end)
    starts: Sequence[int | None] = [item.lower for item in ranges]
    ends: Sequence[int | None] = [item.upper for item in ranges]
    if [None, *ends] != [*starts, None]:
        raise LoadError(
            f"{', '.join(extracts)}: these key ranges do not make up the whole table; a full refresh needs the "
            "manifests of all of them"
        )


def _lower_end(key_range: KeyRange) -> tuple[bool, int]:
    return key_range.lower is not None, key_range.lower or 0


def _files(url: str, manifest: Manifest, copy_options: Sequence[str]) -> Files:
    extract, window = manifest.extract, manifest.extract.window
    return Files(
        url=url,
        options=(*manifest.copy_options(), *copy_options),
        load_id=extract.manifest_id,
        parts=tuple(entry.url for entry in manifest.entries),
        source=f"{extract.source.database}.{extract.source.table}",
        extracted_at=extract.extracted_at,
        counts=extract.counts,
        key_range=extract.key_range,
        window=(window.start, window.end) if window else None,
    )
