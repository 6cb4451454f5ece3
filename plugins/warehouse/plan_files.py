"""From a prefix on S3, without a manifest of ours, to a load's plan."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from warehouse.errors import LoadError
from warehouse.load_plan import EXTRACTED_AT, Files, LoadColumn, LoadPlan, Method, Relation, match_names
from warehouse.redshift import Session
from warehouse.redshift_access import explained_s3_errors
from warehouse.target import read_columns
from warehouse.target_sql import render_primary_key

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@dataclass(frozen=True)
class Keys:
    """How rows are told apart; as in :class:`warehouse.load_plan.LoadPlan`."""

    key: tuple[str, ...] = ()
    order_key: str | None = None
    deleted_flag: str | None = None


def list_files(client: S3Client, bucket: str, key: str, copy_options: Sequence[str], run: str) -> Files:
    """See what a COPY of a prefix would load.

    :param copy_options: COPY's options, as they are.
    :param run: names the task's run; with the files' contents it makes the load's id, so that a retry is known.
    :raises LoadError: the key is an object, and COPY would load others with it.
    """
    with explained_s3_errors(f"s3://{bucket}/{key}"):
        pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=key)
        found = {item["Key"]: item["ETag"] for page in pages for item in page.get("Contents", [])}
    if key in found and len(found) > 1:
        other = next(name for name in sorted(found) if name != key)
        raise LoadError(
            f"s3://{bucket}/{key} is an object, and the beginning of {len(found) - 1:,} other keys, such as {other!r}, "
            "all of which COPY would load; give the objects other names, or load them by a COPY manifest"
        )
    text = "\n".join([run, bucket, *(f"{name} {tag}" for name, tag in sorted(found.items()))])
    return Files(
        url=f"s3://{bucket}/{key}",
        options=tuple(copy_options),
        load_id=hashlib.sha256(text.encode()).hexdigest(),
        parts=tuple(f"s3://{bucket}/{name}" for name in sorted(found)),
    )


def declared_key(session: Session, target: Relation) -> tuple[str, ...]:
    """The primary key that the target declares.

    :raises LoadError: it declares none.
    """
    key = tuple(name for (name,) in session.run(render_primary_key(target)))
    if not key:
        raise LoadError(f"{target} declares no primary key; say by upsert_keys which columns name a row")
    return key


def plan_files(
    session: Session,
    files: Files,
    *,
    target: Relation,
    audit: Relation,
    method: Method,
    column_list: Iterable[str] | None = None,
    keys: Keys | None = None,
) -> LoadPlan:
    """Plan the load of files whose columns are the target's, or a column_list of them.

    :param keys: how rows are told apart; needed by UPSERT.
    :raises LoadError: the target does not exist, or does not have these columns.
    """
    keys = keys or Keys()
    found = read_columns(session, target)
    if not found:
        raise LoadError(
            f"{target} does not exist; create it first (only a load by manifest knows what its columns are)"
        )
    names = [column.name for column in found]
    if EXTRACTED_AT in names:
        raise LoadError(f"{target} is loaded by manifests, which keep track of what is newer; give the operator one")
    if method is Method.REPLACE and not files.parts:
        raise LoadError(f"{files.url}: there are no files, and REPLACE would leave {target} empty; nothing was done")
    wanted = match_names(column_list or [column.name for column in found if not column.identity], names)
    for name in wanted:
        if name not in names:
            raise LoadError(f"{target} has no column {name!r}, which column_list names; it has {', '.join(names)}")
    kinds = {column.name: column.kind for column in found}
    order_key, flag = (match_names([name], names)[0] if name else None for name in (keys.order_key, keys.deleted_flag))
    return LoadPlan(
        target=target,
        audit=audit,
        columns=tuple(LoadColumn(name, kinds[name].ddl) for name in wanted),
        written=wanted,
        files=(files,),
        method=method,
        key=match_names(keys.key, names),
        order_key=order_key,
        deleted_flag=flag,
    )
