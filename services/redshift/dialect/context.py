"""What a statement's meaning depends on besides its text."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Context:
    """The session's state while a statement is read.

    :param fold: quoted identifiers are folded to lower case (``enable_case_sensitive_identifier`` is off)
    :param in_transaction: a transaction block is open
    """

    fold: bool = True
    in_transaction: bool = False
