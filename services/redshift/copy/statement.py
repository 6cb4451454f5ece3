"""The COPY statement: what it says, and which of Redshift's options are provided."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from services.redshift.dialect.cursor import Cursor, names_of
from services.redshift.dialect.tokens import Group
from services.redshift.errors import SqlError, not_provided, refused, syntax_error

MAX_ERROR_LIMIT = 100_000

# COPY options that Redshift has and that are not provided here, so that the error can tell them from typing errors.
_OTHER_OPTIONS = {
    *("acceptanydate", "acceptinvchars", "blanksasnull", "bzip2", "comprows", "encoding", "encrypted", "escape"),
    *("explicit_ids", "fillrecord", "fixedwidth", "ignoreallerrors", "ignoreblanklines", "json", "avro", "orc", "lzop"),
    *("master_symmetric_key", "noload", "readratio", "removequotes", "roundec", "shapefile", "ssh", "trimblanks"),
    *("truncatecolumns", "serializetojson", "jsonpaths", "rcfile", "sequencefile", "textfile"),
}
# Redshift's COPY from columnar files takes none of these.
_TEXT_ONLY = (
    *("region", "delimiter", "quote", "null", "ignoreheader", "emptyasnull", "dateformat", "timeformat", "maxerror"),
    *("gzip", "zstd"),
)


@dataclass(frozen=True, slots=True)
class Authorization:
    """How the bucket may be read: a role, or keys.

    :param iam_role: an ARN or ``default``, or None
    """

    iam_role: str | None = None
    access_key: str | None = None
    secret_key: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)


@dataclass(slots=True)
class CopyStatement:
    """One COPY.

    :param table: its parts, ``[table]`` or ``[schema, table]``
    :param columns: the column list, or None
    :param bucket: S3 bucket
    :param key: an object's key (the manifest's), or the prefix of the keys to load
    :param file_format: ``text``, ``csv`` or ``parquet``
    :param compression: ``gzip``, ``zstd`` or None
    :param given: the options that were written out
    """

    table: list[str]
    columns: list[str] | None
    bucket: str
    key: str
    authorization: Authorization = field(default_factory=Authorization)
    file_format: str = "text"
    compression: str | None = None
    manifest: bool = False
    region: str | None = None
    delimiter: str | None = None
    quote: str = '"'
    null: str | None = None
    empty_as_null: bool = False
    ignore_header: int = 0
    date_format: str | None = None
    time_format: str | None = None
    max_error: int = 0
    given: set[str] = field(default_factory=set)

    @property
    def field_delimiter(self) -> str:
        return self.delimiter or ("," if self.file_format == "csv" else "|")

    @property
    def null_markers(self) -> frozenset[str]:
        r"""Field values that are NULL in every column; EMPTYASNULL is the same as NULL AS '' (default: ``\N``)."""
        if self.null is None and self.empty_as_null:
            return frozenset({""})
        return frozenset({"\\N" if self.null is None else self.null} | ({""} if self.empty_as_null else set()))


def parse_copy(cursor: Cursor) -> CopyStatement:
    """Read a COPY statement.

    :param cursor: stands at COPY
    :raises SqlError: what cannot be read or is not provided; secrets are never repeated
    """
    cursor.expect("copy")
    table = cursor.qualified_name()
    columns = names_of(cursor.group(), fold=cursor.fold) if isinstance(cursor.peek(), Group) else None
    if not cursor.accept("from"):
        raise refused("COPY loads from S3 only: COPY table FROM 's3://…'")
    if cursor.at("stdin"):
        raise refused("COPY FROM STDIN is not supported", hint="Put the file on S3.")
    bucket, key = parse_url(cursor.string())
    statement = CopyStatement(table, columns, bucket, key)
    while not cursor.done:
        _option(cursor, statement)
    _check(statement)
    return statement


def parse_url(url: str) -> tuple[str, str]:
    """Cut ``s3://bucket/key`` in two."""
    scheme, _, path = url.partition("://")
    bucket, _, key = path.partition("/")
    if scheme.lower() != "s3":
        raise not_provided(f"COPY from {scheme}://" if path else "COPY from a host or a DynamoDB table")
    if not bucket:
        raise syntax_error("COPY: the source must be 's3://bucket/key or prefix'")
    return bucket, key


def _option(cursor: Cursor, statement: CopyStatement) -> None:
    word = cursor.peek().text.lower() if cursor.peek().kind == "word" else ""
    reader = _OPTIONS.get(word)
    if reader is None:
        if word in _OTHER_OPTIONS:
            raise not_provided(f"COPY option {word.upper()}")
        raise cursor.error(f"not an option of COPY{': ' + word.upper() if word else ''}")
    cursor.next()
    statement.given.add(word)
    reader(cursor, statement)


def _text(name: str) -> Callable[[Cursor, CopyStatement], None]:
    def read(cursor: Cursor, statement: CopyStatement) -> None:
        cursor.accept("as")
        setattr(statement, name, cursor.string())

    return read


def _number(name: str, maximum: int) -> Callable[[Cursor, CopyStatement], None]:
    def read(cursor: Cursor, statement: CopyStatement) -> None:
        cursor.accept("as")
        value = cursor.integer()
        if value > maximum:
            raise SqlError("22023", f"COPY: {name.replace('_', '').upper()} must be at most {maximum}, not {value}")
        setattr(statement, name, value)

    return read


def _flag(name: str) -> Callable[[Cursor, CopyStatement], None]:
    def read(_: Cursor, statement: CopyStatement) -> None:
        setattr(statement, name, True)

    return read


def _compression(name: str) -> Callable[[Cursor, CopyStatement], None]:
    def read(_: Cursor, statement: CopyStatement) -> None:
        if statement.compression not in {None, name}:
            raise syntax_error(f"COPY: {name.upper()} and {str(statement.compression).upper()} exclude each other")
        statement.compression = name

    return read


def _format(cursor: Cursor, statement: CopyStatement) -> None:
    cursor.accept("as")
    name = cursor.next().text.lower()
    if name in _OTHER_OPTIONS:
        raise not_provided(f"COPY FORMAT {name.upper()}")
    if name not in {"csv", "parquet"}:
        raise syntax_error(f"COPY: unknown format {name.upper()}")
    statement.file_format = name


def _csv(cursor: Cursor, statement: CopyStatement) -> None:
    cursor.position -= 1
    _format(cursor, statement)


def _switch(cursor: Cursor, _: CopyStatement) -> None:
    """COMPUPDATE and STATUPDATE: read, and without a meaning here."""
    if cursor.peek().is_word("on", "off", "true", "false", "preset"):
        cursor.next()


def _iam_role(cursor: Cursor, statement: CopyStatement) -> None:
    cursor.accept("as")
    statement.authorization = Authorization("default" if cursor.accept("default") else cursor.string())


def _with(cursor: Cursor, statement: CopyStatement) -> None:
    cursor.expect("credentials")
    _credentials(cursor, statement)


def _credentials(cursor: Cursor, statement: CopyStatement) -> None:
    cursor.accept("as")
    parts = dict(part.strip().partition("=")[::2] for part in cursor.string().split(";") if part.strip())
    role = parts.pop("aws_iam_role", None)
    keys = Authorization(role, parts.pop("aws_access_key_id", None), parts.pop("aws_secret_access_key", None))
    token = parts.pop("token", None)
    if parts or bool(role) == bool(keys.access_key and keys.secret_key):
        raise SqlError(
            "XX000",
            "Invalid credentials. Must be of the format: credentials 'aws_iam_role=...' or "
            "'aws_access_key_id=...;aws_secret_access_key=...[;token=...]'",
        )
    statement.authorization = Authorization(keys.iam_role, keys.access_key, keys.secret_key, token)


def _key(name: str) -> Callable[[Cursor, CopyStatement], None]:
    def read(cursor: Cursor, statement: CopyStatement) -> None:
        cursor.accept("as")
        old = statement.authorization
        keys = {"access_key": old.access_key, "secret_key": old.secret_key, "token": old.token, name: cursor.string()}
        statement.authorization = Authorization(old.iam_role, **keys)

    return read


_OPTIONS: dict[str, Callable[[Cursor, CopyStatement], None]] = {
    "iam_role": _iam_role,
    "with": _with,
    "credentials": _credentials,
    "access_key_id": _key("access_key"),
    "secret_access_key": _key("secret_key"),
    "session_token": _key("token"),
    "format": _format,
    "csv": _csv,
    "parquet": _csv,
    "delimiter": _text("delimiter"),
    "quote": _text("quote"),
    "null": _text("null"),
    "emptyasnull": _flag("empty_as_null"),
    "ignoreheader": _number("ignore_header", 2**31 - 1),
    "dateformat": _text("date_format"),
    "timeformat": _text("time_format"),
    "maxerror": _number("max_error", MAX_ERROR_LIMIT),
    "gzip": _compression("gzip"),
    "zstd": _compression("zstd"),
    "manifest": _flag("manifest"),
    "region": _text("region"),
    "compupdate": _switch,
    "statupdate": _switch,
}


def _check(statement: CopyStatement) -> None:
    authorization = statement.authorization
    if not authorization.iam_role and not (authorization.access_key and authorization.secret_key):
        raise SqlError(
            "XX000", "COPY needs IAM_ROLE, CREDENTIALS, or ACCESS_KEY_ID and SECRET_ACCESS_KEY to read from S3"
        )
    if statement.file_format == "parquet":
        wrong = [name for name in _TEXT_ONLY if name in statement.given]
        if wrong:
            raise refused(f"{wrong[0].upper()} argument is not supported for PARQUET based COPY")
    if "quote" in statement.given and statement.file_format != "csv":
        raise syntax_error("COPY: QUOTE can be used with CSV only")
    for name, value in (("DELIMITER", statement.field_delimiter), ("QUOTE", statement.quote)):
        if len(value.encode()) != 1:
            raise SqlError("22023", f"COPY: {name} must be a single ASCII character")
    if statement.null and "\n" in statement.null:
        raise SqlError("22023", "COPY: NULL AS must not hold a newline")
