"""One line from Redshift's SQL to PostgreSQL's, for the tests of the dialect."""

from __future__ import annotations

import re

from services.redshift.dialect.context import Context
from services.redshift.dialect.statements import Plan, plan
from services.redshift.dialect.tokens import split


def planned(sql: str, context: Context | None = None) -> Plan:
    (statement,) = split(sql)
    return plan(statement, context or Context())


def rewritten(sql: str, context: Context | None = None) -> str:
    """PostgreSQL's text, with white space evened out."""
    text = re.sub(r"\s+", " ", planned(sql, context).sql)
    return re.sub(r"(?<=\() | (?=[,)])|(?<=\w) (?=::)", "", text)
