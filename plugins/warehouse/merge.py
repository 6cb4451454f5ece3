"""Renders the second half of a load, one transaction: staging tables into the target, and the audit row."""

from __future__ import annotations

from warehouse.load_plan import EXTRACTED_AT, MANIFEST_ID, Files, LoadPlan, Method
from warehouse.redshift_sql import lines, literal, moment, names, quote, relation, render
from warehouse.stage import stage

AUDIT_VERSION = 1


def render_begin(plan: LoadPlan) -> list[str]:
    """Begin the transaction and lock the target."""
    return [render("begin"), render("lock", target=relation(plan.target))]


def render_already_loaded(plan: LoadPlan) -> list[str]:
    """Count audit rows of a plan's only files."""
    [files] = plan.files
    target = literal(str(plan.target))
    return [render("already_loaded", audit=relation(plan.audit), load_id=literal(files.load_id), target_name=target)]


def render_batch(plan: LoadPlan) -> list[str]:
    """Gather the newest staged row of each key, see how it stands to the target's, and count; without a key, count."""
    if not plan.key:
        [files] = plan.files
        removed = f"(SELECT COUNT(*) FROM {relation(plan.target)})" if plan.method is Method.REPLACE else "0"  # noqa: S608
        return [render("counts_of_all", load_id=literal(files.load_id), removed=removed, stage=stage(0))]
    newest_first = [f"s.{quote(name)} DESC" for name in plan.order] or [f"s.{quote(name)}" for name in plan.key]
    stored = dict.fromkeys((*plan.stored, MANIFEST_ID))
    batch = render(
        "batch",
        target=relation(plan.target),
        values=lines(f"s.{quote(name)}" for name in stored),
        first_key=f"t.{quote(plan.key[0])}",
        stale=_newer("t", "s", plan),
        stages=_staged(plan),
        same_key=_same_key(plan, "t", "s"),
        key=names(plan.key, "s."),
        newest_first=", ".join(newest_first),
    )
    return [batch, render("counts", staged=_staged_counts(plan))]


def render_upsert(plan: LoadPlan) -> list[str]:
    """Move the batch into the target, without the rows that are older than the target's."""
    changed = [name for name in plan.stored if name not in plan.key] or [plan.key[0]]
    merge = render(
        "merge",
        target=relation(plan.target),
        same_key=_same_key(plan, relation(plan.target), "s"),
        assignments=lines(f"{quote(name)} = s.{quote(name)}" for name in changed),
        columns=lines(map(quote, plan.stored)),
        values=_values(plan),
    )
    return [render("drop_stale"), merge]


def render_refresh(plan: LoadPlan) -> list[str]:
    """Replace the target's rows by the batch, except rows that were extracted later."""
    target = relation(plan.target)
    covered = " OR ".join(_covered(files, "") for files in plan.files)
    return [
        render("drop_stale"),
        render("delete_superseded", target=target, same_key=_same_key(plan, target, "s")),
        render("delete_vanished", target=target, covered=f"({covered})", live=live_condition(plan)),
        render("insert_batch", target=target, columns=lines(map(quote, plan.stored)), values=_values(plan)),
    ]


def render_bulk(plan: LoadPlan) -> list[str]:
    """Append all staged rows; REPLACE deletes the target's first."""
    target = relation(plan.target)
    insert = render("insert_staged", target=target, columns=lines(map(quote, plan.stored)), stage=stage(0))
    return [*([render("delete_all", target=target)] if plan.method is Method.REPLACE else []), insert]


def render_move(plan: LoadPlan) -> list[str]:
    """Move the staged rows into the target by the plan's method."""
    if not plan.key:
        return render_bulk(plan)
    return render_refresh(plan) if plan.method is Method.REPLACE else render_upsert(plan)


def render_check_target(plan: LoadPlan) -> list[str]:
    """Count staged keys that the target lacks, has older, or has twice."""
    return [
        render(
            "check_target",
            target=relation(plan.target),
            first_key=f"t.{quote(plan.key[0])}",
            older=_newer("s", "t", plan),
            stages=_staged(plan),
            same_key=_same_key(plan, "t", "s"),
            key=names(plan.key, "t."),
        )
    ]


def render_audit(plan: LoadPlan, loaded_by: str) -> list[str]:
    """Write one row for each of the plan's file sets."""
    return [
        render(
            "audit",
            audit=relation(plan.audit),
            facts=lines(_facts(plan, files, loaded_by)),
            load_id=literal(files.load_id),
            target_name=literal(str(plan.target)),
        )
        for files in plan.files
    ]


def render_read_counts() -> list[str]:
    """Read what became of the staged rows."""
    return [render("read_counts")]


def render_commit() -> list[str]:
    """End the transaction."""
    return [render("commit")]


def render_rollback() -> list[str]:
    """Give the transaction up."""
    return [render("rollback")]


def _staged_counts(plan: LoadPlan) -> str:
    selects = []
    for number, files in enumerate(plan.files):
        removed = _vanished(plan, files) if plan.method is Method.REPLACE else "0"
        selects.append(
            f"SELECT\n        {literal(files.load_id)}::VARCHAR(64) AS load_id,\n        COUNT(*) AS staged,\n"
            f"        {removed} AS removed\n    FROM {stage(number)}"
        )
    return "\n    UNION ALL\n    ".join(selects)


def _vanished(plan: LoadPlan, files: Files) -> str:
    joined = f"{relation(plan.target)} AS t LEFT JOIN _batch AS s ON {_same_key(plan, 't', 's')}"
    gone = f"{_covered(files, 't.')} AND {live_condition(plan, 't.')} AND s.{quote(plan.key[0])} IS NULL"
    return f"(SELECT COUNT(*) FROM {joined} WHERE {gone})"  # noqa: S608 - names are quoted


def _covered(files: Files, prefix: str) -> str:
    """Whether a row of the target was the files' to bring, had it been in the source when that was read."""
    assert files.extracted_at is not None
    conditions = [f"{prefix}{EXTRACTED_AT} <= {moment(files.extracted_at)}"]
    if key_range := files.key_range:
        key = prefix + quote(key_range.column)
        conditions += [f"{key} >= {key_range.lower}"] if key_range.lower is not None else []
        conditions += [f"{key} < {key_range.upper}"] if key_range.upper is not None else []
    return f"({' AND '.join(conditions)})"


def live_condition(plan: LoadPlan, prefix: str = "") -> str:
    """Whether a row is no tombstone."""
    if plan.deleted_flag is None:
        return "TRUE"
    flag = prefix + quote(plan.deleted_flag)
    return f"NOT NVL({flag}, FALSE)" if plan.type_of(plan.deleted_flag) == "BOOLEAN" else f"NVL({flag}, 0) = 0"


def _facts(plan: LoadPlan, files: Files, loaded_by: str) -> list[str]:
    start, end = files.window or (None, None)
    return [
        literal(files.load_id),
        literal(str(plan.target)),
        str(AUDIT_VERSION),
        literal(str(plan.method)),
        literal(files.source),
        literal(files.url),
        *(moment(value) if value else "NULL::TIMESTAMP" for value in (start, end, files.extracted_at)),
        "SYSDATE",
        literal(loaded_by),
    ]


def _staged(plan: LoadPlan) -> str:
    """All staged rows of a plan, with what the load adds to each."""
    selects = []
    for number, files in enumerate(plan.files):
        stamps = [f"{literal(files.load_id)}::VARCHAR(64) AS {MANIFEST_ID}"]
        if files.extracted_at:
            stamps.insert(0, f"{moment(files.extracted_at)} AS {EXTRACTED_AT}")
        fields = ",\n        ".join([*map(quote, plan.written), *stamps])
        selects.append(f"SELECT\n        {fields}\n    FROM {stage(number)}")
    return "\n    UNION ALL\n    ".join(selects)


def _newer(left: str, right: str, plan: LoadPlan) -> str:
    """Whether the left row is newer than the right one. A NULL of a row that others wrote is never newer."""
    if plan.method is Method.REPLACE:
        return f"{left}.{EXTRACTED_AT} > {right}.{EXTRACTED_AT}"
    steps, equal = [], ""
    for name in map(quote, plan.order):
        steps.append(f"{equal}{left}.{name} > {right}.{name}")
        equal += f"{left}.{name} = {right}.{name} AND "
    return " OR ".join(f"({step})" for step in steps) if steps else "FALSE"


def _same_key(plan: LoadPlan, left: str, right: str) -> str:
    return "\n    AND ".join(f"{left}.{quote(name)} = {right}.{quote(name)}" for name in plan.key)


def _values(plan: LoadPlan) -> str:
    return lines(f"s.{quote(name)}" for name in plan.stored)
