"""What can go wrong between MySQL and S3, each as one message that says what to do.

A retry can cure :class:`SourceUnavailableError` and :class:`transfers.extract_errors.DestinationError`; the others need
a person.
"""

from __future__ import annotations


class WarehouseError(Exception):
    """Base of the errors of the incremental load."""


class ConfigError(WarehouseError, ValueError):
    """A table's block is wrong, in itself or against the source; the message names file, line and key."""


class SourceDataError(WarehouseError):
    """The source holds a value that cannot be carried over exactly. The message tells the column, never the value."""


class SourceUnavailableError(WarehouseError):
    """MySQL cannot be reached, went away, or did not send all it had."""


class ManifestError(WarehouseError, ValueError):
    """A manifest is not what the contract says."""


class LoadError(WarehouseError):
    """What should be loaded cannot be: files and manifest, or files and target, do not fit. Nothing was loaded."""


class CheckError(WarehouseError):
    """What was loaded is not what it should be. Nothing was kept."""


class WarehouseUnavailableError(WarehouseError):
    """Redshift cannot be reached, went away, or could not finish; running the load again is safe."""


class WindowError(WarehouseError, ValueError):
    """A run has no window of time that could be loaded."""
