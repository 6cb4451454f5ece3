"""Functions whose call is written differently for PostgreSQL.

Those that differ in meaning only are SQL functions of schema pg_redshift (catalogue/functions.sql); their calls get the
schema's name.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from services.redshift.dialect.cursor import Cursor
from services.redshift.dialect.tokens import Group, Node, Token, literal, raw, render, split_commas
from services.redshift.dialect.types import cast_type
from services.redshift.errors import not_provided, syntax_error

# Every one of these is in catalogue/functions.sql, with all overloads PostgreSQL's function of the same name has there.
_IN_SCHEMA_NAMES = """
getdate add_months last_day months_between next_day date_part_year convert_timezone trunc round avg
len charindex concat regexp_replace regexp_substr strtol sha2 fnv_hash
to_hex from_hex to_varbyte from_varbyte
json_parse json_serialize json_extract_path_text json_array_length json_extract_array_element_text
is_valid_json is_valid_json_array can_json_parse
pg_last_copy_count pg_last_copy_id version
"""
IN_SCHEMA = frozenset(_IN_SCHEMA_NAMES.split())

# Amazon Redshift Database Developer Guide, "Date parts for date or timestamp functions".
_DATE_PARTS = {
    "millennium": "millennium millennia mil mils",
    "century": "century centuries c cent cents",
    "decade": "decade decades dec decs",
    "epoch": "epoch",
    "year": "year years y yr yrs",
    "quarter": "quarter quarters qtr qtrs",
    "month": "month months mon mons",
    "week": "week weeks w",
    "dow": "dayofweek dow dw weekday",
    "doy": "dayofyear doy dy yearday",
    "day": "day days d",
    "hour": "hour hours h hr hrs",
    "minute": "minute minutes m min mins",
    "second": "second seconds s sec secs",
    "millisecond": "millisecond milliseconds ms msec msecs msecond mseconds millisec millisecs millisecon",
    "microsecond": "microsecond microseconds microsec microsecs usecond useconds us usec usecs",
    "timezone": "timezone",
    "timezone_hour": "timezone_hour",
    "timezone_minute": "timezone_minute",
}
_PART = {alias: part for part, aliases in _DATE_PARTS.items() for alias in aliases.split()}

Arguments = list[list[Node]]


def call(name: Token, group: Group, following: Sequence[Node]) -> tuple[list[Node], int] | None:
    """Rewrite one function call, its arguments being rewritten already.

    :param name: the function's name
    :param group: its arguments in parentheses
    :param following: what stands behind the call
    :return: the new nodes and how many of ``following`` they took in; None if the call stays as it is
    """
    function = name.text.lower()
    if function == "listagg":
        return _listagg(name, group, following)
    nodes: list[Node] | None = None
    if function in _SYNTAX:
        nodes = _SYNTAX[function](name, group)
    elif function in _REWRITES:
        nodes = [_REWRITES[function](split_commas(group.items))]
        nodes[0].space = name.space
    elif function in _DATE_FUNCTIONS:
        arguments = _date_arguments(function, split_commas(group.items))
        name = Token("word", _LABELS.get(function, function), name.space)
        nodes = [_in_schema(name), Group(_join(arguments), group.space, group.end_space)]
    elif function in IN_SCHEMA:
        nodes = [_in_schema(name), group]
    return (nodes, 0) if nodes is not None else None


def _in_schema(name: Token, *, function: str = "") -> Token:
    return Token("word", f"pg_redshift.{function or name.text.lower()}", name.space)


def _join(arguments: Arguments) -> list[Node]:
    nodes: list[Node] = []
    for argument in arguments:
        nodes += [Token("op", ",")] if nodes else []
        nodes += argument
    return nodes


def _texts(arguments: Arguments, function: str, minimum: int, maximum: int | None = None) -> list[str]:
    if len(arguments) < minimum or (maximum is not None and len(arguments) > maximum):
        raise syntax_error(f"function {function} takes other arguments: {len(arguments)} given")
    return [f"({render(argument)})" for argument in arguments]


def _nvl(arguments: Arguments) -> Token:
    return raw(f"COALESCE({render(_join(arguments))})")


def _nvl2(arguments: Arguments) -> Token:
    value, present, absent = _texts(arguments, "nvl2", 3, 3)
    return raw(f"CASE WHEN {value} IS NOT NULL THEN {present} ELSE {absent} END")


def _decode(arguments: Arguments) -> Token:
    value, *pairs = _texts(arguments, "decode", 3)
    default = pairs.pop() if len(pairs) % 2 else "NULL"
    # DECODE takes two NULLs as equal, which = does not.
    branches = [
        f"WHEN {value} IS NOT DISTINCT FROM {search} THEN {result}"
        for search, result in zip(pairs[::2], pairs[1::2], strict=True)
    ]
    return raw(f"CASE {' '.join(branches)} ELSE {default} END")


def _convert(arguments: Arguments) -> Token:
    if len(arguments) != 2:
        raise syntax_error("CONVERT takes a type and an expression")
    return raw(f"CAST(({render(arguments[1])}) AS {_type_text(arguments[0])})")


def _median(arguments: Arguments) -> Token:
    (value,) = _texts(arguments, "median", 1, 1)
    return raw(f"percentile_cont(0.5) WITHIN GROUP (ORDER BY {value})")


_REWRITES: dict[str, Callable[[Arguments], Token]] = {
    "nvl": _nvl,
    "nvl2": _nvl2,
    "decode": _decode,
    "convert": _convert,
    "median": _median,
}


def _type_text(nodes: Sequence[Node]) -> str:
    cursor = Cursor(nodes)
    kind = cast_type(cursor)
    if kind is None:
        return render(nodes)
    if not cursor.done:
        raise cursor.error()
    return kind


def _cast(name: Token, group: Group) -> list[Node]:
    positions = [index for index, node in enumerate(group.items) if node.is_word("as")]
    if not positions:
        raise syntax_error("CAST takes an expression AS a type")
    split_at = positions[-1] + 1
    new_type = raw(_type_text(group.items[split_at:]).strip())
    return [name, Group([*group.items[:split_at], new_type], group.space, group.end_space)]


# PostgreSQL names a result column after the function; so does Redshift, by these names.
_LABELS = {"dateadd": "date_add", "datediff": "date_diff", "pgdate_part": "date_part"}
# Function -> positions of the arguments that are dates: a bare string there is a TIMESTAMP for Redshift, while
# PostgreSQL would take it for its preferred type, TIMESTAMPTZ.
_DATE_FUNCTIONS = {
    "dateadd": (2,),
    "date_add": (2,),
    "datediff": (1, 2),
    "date_diff": (1, 2),
    "date_part": (1,),
    "pgdate_part": (1,),
    "date_trunc": (1,),
}


def _date_arguments(function: str, arguments: Arguments) -> Arguments:
    expected = max(_DATE_FUNCTIONS[function]) + 1
    if len(arguments) != expected:
        raise syntax_error(f"function {function} takes {expected} arguments: {len(arguments)} given")
    arguments[0] = [Token("string", literal(_date_part(arguments[0], function)))]
    for position in _DATE_FUNCTIONS[function]:
        if len(arguments[position]) == 1 and arguments[position][0].kind == "string":
            arguments[position].append(Token("raw", "::timestamp"))
    return arguments


def _date_part(nodes: list[Node], function: str) -> str:
    word = nodes[0].text.strip("'\"").lower() if len(nodes) == 1 else ""
    if word not in _PART:
        raise syntax_error(f'{function}: "{render(nodes).strip()}" is not a date part such as year, month or day')
    return _PART[word]


def _extract(name: Token, group: Group) -> list[Node]:
    positions = [index for index, node in enumerate(group.items) if node.is_word("from")]
    if not positions:
        raise syntax_error("EXTRACT takes a date part FROM an expression")
    part = literal(_date_part(group.items[: positions[0]], "extract"))
    value = group.items[positions[0] + 1 :]
    return [_in_schema(name, function="extract_part"), Group([Token("string", part), Token("op", ","), *value])]


_SYNTAX: dict[str, Callable[[Token, Group], list[Node]]] = {"extract": _extract, "cast": _cast}


def _listagg(name: Token, group: Group, following: Sequence[Node]) -> tuple[list[Node], int]:
    items, taken = list(group.items), 0
    if Cursor(following).at("within", "group") and len(following) > 2 and isinstance(following[2], Group):
        items += following[2].items  # ORDER BY …: PostgreSQL wants it among the arguments
        if items and following[2].items:
            following[2].items[0].space = " "
        taken = 3
    if taken < len(following) and following[taken].is_word("over"):
        raise not_provided("LISTAGG as a window function", hint="Aggregate in a subquery and join it.")
    return [_in_schema(name), Group(items)], taken
