"""The bucket that an AWS connection names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.sdk.exceptions import AirflowFailException

if TYPE_CHECKING:
    from airflow.providers.amazon.aws.hooks.s3 import S3Hook


def default_bucket(s3: S3Hook) -> str:
    """Return the bucket in the connection's extra, where S3Hook itself looks for its default.

    :raises AirflowFailException: it names none.
    """
    bucket = s3.service_config.get("bucket_name")
    if not bucket:
        raise AirflowFailException(
            f"the AWS connection {s3.aws_conn_id!r} names no bucket: set its extra to "
            '{"service_config": {"s3": {"bucket_name": "…"}}}'
        )
    return str(bucket)
