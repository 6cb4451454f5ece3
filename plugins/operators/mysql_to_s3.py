"""Operator that extracts one MySQL table, whole or by a window of time, to S3 with a manifest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowFailException

if TYPE_CHECKING:
    from airflow.providers.mysql.hooks.mysql import MySqlHook
    from airflow.sdk import Context

    from transfers.pseudonyms import Pseudonyms
    from warehouse.config import TableConfig


class MySQLToS3Operator(BaseOperator):
    """Extract a table from MySQL to S3 in one consistent snapshot, with flat memory, every type exact.

    Writes several compressed parts and then a manifest for :class:`operators.s3_to_redshift.S3ToRedshiftOperator`;
    docs/warehouse-contract.md describes both. A try that fails or is killed leaves nothing that could be loaded.

    :param table: the table's block of the config: a :class:`warehouse.config.TableConfig`, or its `to_dict()`, which a
        mapped task needs.
    :param s3_bucket: the bucket. (templated)
    :param s3_prefix: key under which every extract makes a folder of its own. (templated)
    :param window_start: first moment of the window, ISO 8601 with a zone; None or empty, together with `window_end`,
        for the whole table. (templated)
    :param window_end: first moment after the window. (templated)
    :param key_range: one of `warehouse.key_ranges.plan_key_ranges` as a dict, for an initial load by several mapped
        tasks. (templated)
    :param mysql_conn_id: connection of the source; read with mysqlclient.
    :param aws_conn_id: connection of S3.
    :param hash_key_conn_id: connection whose password is the key of hashed columns; needed if the table has such.
    :returns: by XCom: `manifest` (its S3 URL), `manifest_id`, `rows`, `parts`, `bytes`, `extracted_at`.
    """

    template_fields: Sequence[str] = ("s3_bucket", "s3_prefix", "window_start", "window_end", "key_range")
    ui_color = "#f5e6ca"

    def __init__(
        self,
        *,
        table: TableConfig | Mapping[str, Any],
        s3_bucket: str,
        s3_prefix: str = "mysql",
        window_start: str | None = None,
        window_end: str | None = None,
        key_range: Mapping[str, Any] | None = None,
        mysql_conn_id: str = "mysql_prod",
        aws_conn_id: str = "aws_default",
        hash_key_conn_id: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.table = table
        self.s3_bucket = s3_bucket
        self.s3_prefix = s3_prefix
        self.window_start = window_start
        self.window_end = window_end
        self.key_range = key_range
        self.mysql_conn_id = mysql_conn_id
        self.aws_conn_id = aws_conn_id
        self.hash_key_conn_id = hash_key_conn_id
        self._source: Source | None = None

    def execute(self, context: Context) -> dict[str, Any]:  # noqa: ARG002
        """Extract; what a retry cannot cure fails the task at once."""
        from airflow.providers.amazon.aws.hooks.s3 import S3Hook

        from transfers.extract_errors import DestinationRefusedError
        from warehouse.config import TableConfig
        from warehouse.errors import ConfigError, SourceDataError
        from warehouse.extract import Destination, extract_table
        from warehouse.manifest import KeyRange

        try:
            config = self.table if isinstance(self.table, TableConfig) else TableConfig(**self.table)
            self._source = Source(self.mysql_conn_id)
            destination = Destination(S3Hook(aws_conn_id=self.aws_conn_id).get_conn(), self.s3_bucket, self.s3_prefix)
            written = extract_table(
                self._source.connect,
                destination,
                config,
                window=_window(self.window_start, self.window_end),
                key_range=KeyRange(**self.key_range) if self.key_range else None,
                pseudonyms=_pseudonyms(self.hash_key_conn_id) if config.hashes else None,
                source_name=self.mysql_conn_id,
            )
        except (ConfigError, SourceDataError, DestinationRefusedError, ValueError) as error:
            raise AirflowFailException(str(error)) from error
        extract, entries = written.manifest.extract, written.manifest.entries
        self.log.info("extracted %d rows of %s to %s", extract.counts.rows, config.source, written.url)
        return {
            "manifest": written.url,
            "manifest_id": extract.manifest_id,
            "rows": extract.counts.rows,
            "parts": len(entries),
            "bytes": sum(entry.meta.content_length for entry in entries),
            "extracted_at": extract.extracted_at.isoformat(),
        }

    def on_kill(self) -> None:
        """End the query in MySQL, which also ends :meth:`execute`."""
        if self._source:
            self._source.kill()


class Source:
    """Opens the connection to MySQL, and can end it from outside while it is busy."""

    def __init__(self, conn_id: str) -> None:
        from airflow.providers.mysql.hooks.mysql import MySqlHook

        # Resolved once: in a signal handler Airflow's supervisor cannot be asked.
        self._hook: MySqlHook = MySqlHook(connection=MySqlHook.get_connection(conn_id))
        self._thread_id: int | None = None

    def connect(self) -> Any:
        """Open the connection."""
        connection: Any = self._hook.get_conn()
        self._thread_id = connection.thread_id() if hasattr(connection, "thread_id") else None
        return connection

    def kill(self) -> None:
        """End the connection that :meth:`connect` opened."""
        if self._thread_id is not None:
            connection: Any = self._hook.get_conn()
            connection.kill(self._thread_id)
            connection.close()


def _window(start: str | None, end: str | None) -> Any:
    from warehouse.window import Window

    if not start and not end:
        return None
    if not start or not end:
        raise ValueError(
            f"window_start is {start!r} and window_end is {end!r}; give both for a window, neither for the whole table"
        )
    return Window.parse(start, end)


def _pseudonyms(conn_id: str | None) -> Pseudonyms:
    from airflow.sdk import BaseHook

    from transfers.pseudonyms import Pseudonyms
    from warehouse.errors import ConfigError

    if conn_id is None:
        raise ConfigError("the table has hashed columns: give the operator hash_key_conn_id, a connection with the key")
    key = BaseHook.get_connection(conn_id).password
    if not key:
        raise ConfigError(f"connection {conn_id!r} has no password; the key of hashed columns belongs there")
    return Pseudonyms(key)
