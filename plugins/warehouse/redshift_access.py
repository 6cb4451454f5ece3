"""From Airflow's connections: a connection to Redshift, and what lets Redshift read S3."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

from warehouse.errors import ConfigError, LoadError, WarehouseUnavailableError
from warehouse.manifest import Manifest
from warehouse.redshift_sql import literal
from warehouse.stage import Authorization

if TYPE_CHECKING:
    from airflow.providers.amazon.aws.hooks.redshift_sql import RedshiftSQLHook
    from airflow.providers.amazon.aws.hooks.s3 import S3Hook
    from mypy_boto3_s3 import S3Client


class Connector:
    """Opens the connection to Redshift, and can end from outside what runs on it."""

    def __init__(self, hook: RedshiftSQLHook) -> None:
        self._hook = hook
        self._pid: int | None = None
        _ = hook.conn  # resolved now: in a signal handler Airflow's supervisor cannot be asked

    def connect(self) -> Any:
        """Open the connection."""
        connection = self._hook.get_conn()
        self._pid = self._ask(connection, "SELECT PG_BACKEND_PID()")
        return connection

    def kill(self) -> None:
        """End the session that :meth:`connect` opened; its transaction is given up."""
        if self._pid is not None:
            with closing(self._hook.get_conn()) as connection:
                self._ask(connection, f"SELECT PG_TERMINATE_BACKEND({self._pid})")

    @staticmethod
    def _ask(connection: Any, statement: str) -> Any:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchone()[0]


def authorize_copy(redshift: RedshiftSQLHook, s3: S3Hook, *, aws_conn_id: str | None) -> Authorization:
    """Find what lets Redshift read S3.

    In this order: `role_arn` in the extra of the AWS connection, `role_arn` in the extra of the Redshift connection,
    the AWS connection's keys. AWS recommends a role: keys end up in Redshift's query history.

    :param aws_conn_id: the AWS connection if it was named; its `region` becomes COPY's REGION.
    """
    from airflow.providers.amazon.aws.utils.redshift import build_credentials_block
    from airflow.sdk.log import mask_secret

    extra = s3.get_connection(aws_conn_id).extra_dejson if aws_conn_id else {}
    region = f"\nREGION {literal(extra['region'])}" if extra.get("region") else ""
    if role := extra.get("role_arn") or redshift.conn.extra_dejson.get("role_arn"):
        return Authorization(f"IAM_ROLE {literal(role)}{region}")
    if s3.get_session().get_credentials() is None:
        raise ConfigError(
            "nothing lets Redshift read S3: put the ARN of a role that it may assume into the extra of connection "
            f"{redshift.get_conn_id()!r}, as role_arn"
        )
    credentials = s3.get_credentials()
    secrets = tuple(filter(None, (credentials.secret_key, credentials.token)))
    for secret in secrets:
        mask_secret(secret)
    return Authorization(f"CREDENTIALS {literal(build_credentials_block(credentials))}{region}", secrets)


def read_manifest(s3: S3Hook, url: str) -> Manifest:
    """Read a manifest that MySQLToS3Operator wrote.

    :raises LoadError: it is not there.
    :raises ManifestError: it is not what the contract says.
    :raises WarehouseUnavailableError: S3 does not answer.
    """
    bucket, key = s3.parse_s3_url(url)
    with explained_s3_errors(url):
        client: S3Client = s3.get_conn()
        content = client.get_object(Bucket=bucket, Key=key)["Body"].read()
    return Manifest.from_json(content, url)


@contextmanager
def explained_s3_errors(url: str) -> Iterator[None]:
    """Turn what boto3 raises while it reads into one of our errors."""
    from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

    try:
        yield
    except NoCredentialsError as error:
        raise LoadError(f"{url} cannot be read: {error}. Put them into the AWS connection") from error
    except (BotoCoreError, ClientError) as error:
        answer = error.response if isinstance(error, ClientError) else None
        if answer is None or answer["ResponseMetadata"]["HTTPStatusCode"] >= 500:
            raise WarehouseUnavailableError(
                f"{url} cannot be read: {str(error).rstrip('.')}. Check that S3 is up and that the connection's "
                "endpoint_url is right; then retry"
            ) from error
        raise LoadError(
            f"{url}: S3 says {answer['Error'].get('Code')}. A manifest is written last: without one, the extract did "
            "not end, or has expired. Clear the extract and run it again; the AWS connection must be able to read there"
        ) from error
