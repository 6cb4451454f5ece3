"""The one exception that becomes an ErrorResponse on the client's connection."""


class SqlError(Exception):
    """An error the client sees, in the words Redshift uses where they are known.

    :param sqlstate: five characters, see PostgreSQL's appendix "Error Codes"
    :param message: what happened, naming the thing
    :param detail: more about it, or None
    :param hint: what to do about it, or None
    """

    def __init__(self, sqlstate: str, message: str, *, detail: str | None = None, hint: str | None = None) -> None:
        super().__init__(message)
        self.sqlstate = sqlstate
        self.message = message
        self.detail = detail
        self.hint = hint


def refused(message: str, hint: str | None = None) -> SqlError:
    """Say that Redshift does not have this, although PostgreSQL does."""
    return SqlError("0A000", message, hint=hint)


def not_provided(what: str, hint: str | None = None) -> SqlError:
    """Say that Redshift has this and this stand-in does not."""
    return SqlError("0A000", f"{what} is not provided by this Redshift stand-in (Redshift has it)", hint=hint)


def syntax_error(message: str, hint: str | None = None) -> SqlError:
    """Say that the statement cannot be read."""
    return SqlError("42601", message, hint=hint)


def internal(message: str, *, detail: str | None = None) -> SqlError:
    """Redshift reports most failures of a running query, COPY's among them, as XX000."""
    return SqlError("XX000", message, detail=detail)
