"""What PostgreSQL would run and Redshift refuses, found before anything is rewritten, and refused by name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from services.redshift.dialect.cursor import Cursor
from services.redshift.dialect.tokens import Group, Node, Token
from services.redshift.errors import not_provided, refused

# Amazon Redshift Database Developer Guide, "Unsupported PostgreSQL functions", and what newer PostgreSQL added.
_FUNCTIONS_NAMES = """
string_agg array_agg every xmlagg corr covar_pop covar_samp regr_slope regr_intercept clock_timestamp
transaction_timestamp statement_timestamp justify_days justify_hours justify_interval pg_sleep div setseed
width_bucket generate_subscripts bit_length overlay convert_from convert_to encode format quote_nullable
regexp_matches regexp_match regexp_split_to_array regexp_split_to_table string_to_array array_to_string unnest
array_append array_length cardinality json_agg jsonb_agg json_build_object jsonb_build_object to_json to_jsonb
row_to_json jsonb_set json_object_agg jsonb_object_agg json_each jsonb_each json_array_elements
jsonb_array_elements gen_random_uuid pg_advisory_lock pg_try_advisory_lock make_date make_timestamp make_interval
date_bin sha224 sha256 sha384 sha512 nextval currval setval lastval dblink num_nonnulls num_nulls pg_table_size
pg_relation_size pg_total_relation_size current_query mode starts_with concat_ws
"""
_FUNCTIONS = frozenset(_FUNCTIONS_NAMES.split())
_INSTEAD = {
    "string_agg": "Use LISTAGG(x, ',') WITHIN GROUP (ORDER BY …).",
    "array_agg": "Use LISTAGG, or ARRAY values in a SUPER column.",
    "sha256": "Use SHA2(text, 256).",
    "concat_ws": "Use || or CONCAT(a, b).",
    "gen_random_uuid": "Make the value where the row is made.",
    "clock_timestamp": "Use GETDATE() or SYSDATE.",
    "statement_timestamp": "Use GETDATE().",
}
# Run by Redshift's leader node only: an error as soon as the statement reads or writes a table.
_LEADER_ONLY_CALLS = frozenset({"generate_series", "now", "age", "isfinite"})
_LEADER_ONLY_WORDS = frozenset({"current_timestamp", "localtime", "localtimestamp", "current_time"})

_PHRASES: tuple[tuple[tuple[str, ...], str, str | None], ...] = (
    (("on", "conflict"), "INSERT … ON CONFLICT", "Use MERGE from a staging table."),
    (("for", "update"), "SELECT … FOR UPDATE", "LOCK the table first in the transaction."),
    (("for", "share"), "SELECT … FOR SHARE", "LOCK the table first in the transaction."),
    (("distinct", "on"), "SELECT DISTINCT ON", "Use QUALIFY ROW_NUMBER() OVER (…) = 1."),
    (("distinct", "from"), "IS DISTINCT FROM", "Compare with = and IS NULL."),
    (("tablesample",), "TABLESAMPLE", None),
    (("lateral",), "LATERAL", None),
)
_NOT_PROVIDED: tuple[tuple[tuple[str, ...], str], ...] = (
    (("ignore", "nulls"), "IGNORE NULLS"),
    (("respect", "nulls"), "RESPECT NULLS"),
    (("approximate", "count"), "APPROXIMATE COUNT"),
    (("approximate", "percentile_disc"), "APPROXIMATE PERCENTILE_DISC"),
    (("connect", "by"), "CONNECT BY"),
    (("select", "top"), "SELECT TOP"),
    (("pivot",), "PIVOT"),
    (("unpivot",), "UNPIVOT"),
)


def check(nodes: Sequence[Node], *, reads_catalog_only: bool = False) -> None:
    """Refuse a statement that holds something Redshift has not.

    :param nodes: the statement as it was sent
    :param reads_catalog_only: a SELECT without FROM, which Redshift runs on its leader node
    :raises SqlError: naming it, and what to use instead
    """
    for level in _levels(nodes):
        for index, node in enumerate(level):
            if node.kind == "word":
                _check_word(Cursor(level), index, leader=reads_catalog_only)
            elif node.is_op("["):
                raise refused("arrays and subscripts are not supported", hint="A SUPER column holds arrays.")
            elif isinstance(node, Group) and index and _values_in_from(level, index):
                raise refused("VALUES is not supported as a table", hint="Insert the rows into a temporary table.")


def _levels(nodes: Sequence[Node]) -> Iterator[Sequence[Node]]:
    yield nodes
    for node in nodes:
        if isinstance(node, Group):
            yield from _levels(node.items)


def _values_in_from(level: Sequence[Node], index: int) -> bool:
    group = level[index]
    return (
        isinstance(group, Group)
        and bool(group.items)
        and group.items[0].is_word("values")
        and level[index - 1].is_word("from", "join", "using")
    )


def _check_word(cursor: Cursor, index: int, *, leader: bool) -> None:
    cursor.position = index
    node = cursor.peek()
    if index and cursor.peek(-1).is_op("."):
        return
    for words, what, instead in _PHRASES:
        if cursor.at(*words) and not (words == ("on", "conflict") and cursor.peek(2).is_op(".", "=")):
            raise refused(f"{what} is not supported", hint=instead)
    for words, what in _NOT_PROVIDED:
        if cursor.at(*words) and (len(words) > 1 or isinstance(cursor.peek(1), Group)):
            raise not_provided(what)
    word, called = node.text.lower(), isinstance(cursor.peek(1), Group)
    if word == "returning":
        raise refused("RETURNING is not supported", hint="Query the table after the statement.")
    if called and word == "filter" and isinstance(cursor.peek(-1) if index else Token("op", ""), Group):
        raise refused("FILTER (WHERE …) is not supported", hint="Aggregate a CASE expression.")
    if called and word in _FUNCTIONS:
        raise refused(f"function {word}() is not supported", hint=_INSTEAD.get(word))
    if not leader and ((called and word in _LEADER_ONLY_CALLS) or word in _LEADER_ONLY_WORDS):
        raise refused(
            f"{word.upper()} runs on Redshift's leader node only, not with tables",
            hint="Use GETDATE() or SYSDATE for the time; read a table of numbers instead of generate_series.",
        )
