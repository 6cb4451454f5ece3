"""SET, RESET, SHOW and BEGIN."""

from __future__ import annotations

from services.redshift.dialect.cursor import Cursor
from services.redshift.dialect.tokens import identifier, literal, render
from services.redshift.errors import not_provided, refused

CASE_SENSITIVE = "enable_case_sensitive_identifier"

# Settings that both have, with the same meaning.
_SHARED = {
    *("search_path", "timezone", "datestyle", "statement_timeout", "client_encoding", "extra_float_digits"),
    *("application_name", "server_version", "server_encoding", "is_superuser", "session_authorization"),
}
# Redshift's own: kept for SHOW, without an effect here except for the first.
_OWN = {
    *(CASE_SENSITIVE, "query_group", "enable_result_cache_for_session", "wlm_query_slot_count"),
    *("analyze_threshold_percent", "auto_analyze", "statement_cache"),
}


def set_(cursor: Cursor) -> tuple[str, bool | None]:
    """Rewrite a SET.

    :param cursor: stands behind SET
    :return: PostgreSQL's SET, and what enable_case_sensitive_identifier is now, or None if this does not say
    """
    scope = "LOCAL " if cursor.accept("local") else ""
    if cursor.at("session", "characteristics") or cursor.at("transaction"):
        # Redshift takes every isolation level for its own.
        return "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL REPEATABLE READ", None
    if cursor.accept("session", "authorization"):
        return f"SET SESSION AUTHORIZATION {render(cursor.rest())}", None
    cursor.accept("session")
    if cursor.accept("time", "zone"):
        return f"SET {scope}TIME ZONE {render(cursor.rest())}", None
    name = cursor.name()
    if not (cursor.accept("to") or cursor.peek().is_op("=")):
        raise cursor.error("expected TO")
    if cursor.peek().is_op("="):
        cursor.next()
    value = render(cursor.rest()).strip()
    case_sensitive = value.strip("'").lower() in {"true", "on", "1", "yes"} if name == CASE_SENSITIVE else None
    return f"SET {scope}{_setting(name)} TO {value}", case_sensitive


def _setting(name: str) -> str:
    if name in _SHARED:
        return name
    if name in _OWN:
        return f"redshift.{name}"
    raise refused(f'unrecognized configuration parameter "{name}": Redshift has not got it, or this stand-in has not')


def reset(cursor: Cursor) -> tuple[str, bool | None]:
    """Rewrite a RESET; see :func:`set_`."""
    if cursor.accept("all"):
        return "RESET ALL", False
    if cursor.accept("session", "authorization"):
        return "RESET SESSION AUTHORIZATION", None
    name = cursor.name()
    return f"RESET {_setting(name)}", False if name == CASE_SENSITIVE else None


def show(cursor: Cursor) -> str:
    """Rewrite a SHOW of a setting."""
    if cursor.peek().is_word("tables", "columns", "schemas", "databases", "table", "view", "external", "grants"):
        raise not_provided(f"SHOW {cursor.peek().text.upper()}", hint="Query SVV_TABLES or SVV_COLUMNS.")
    if cursor.accept("time", "zone"):
        return "SHOW timezone"
    name = cursor.name()
    if name in _OWN:
        return f"SELECT current_setting({literal('redshift.' + name)}, true) AS {identifier(name)}"
    return f"SHOW {_setting(name)}"


def begin(cursor: Cursor) -> str:
    """Rewrite BEGIN or START TRANSACTION: any isolation level means Redshift's own."""
    read_only = any(cursor.nodes[i].is_word("read") and cursor.nodes[i + 1].is_word("only") for i in _pairs(cursor))
    return "BEGIN READ ONLY" if read_only else "BEGIN"


def _pairs(cursor: Cursor) -> range:
    return range(cursor.position, len(cursor.nodes) - 1)
