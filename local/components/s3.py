"""An S3 server: moto's, which comes as a Python package. It keeps objects in memory: they end with the stack."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from local.components.base import Component
from local.settings import REPOSITORY
from local.supervision import Program

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

BUCKET = "synthetic-features"
LIFECYCLE = REPOSITORY / "docker" / "bucket-lifecycle.json"
REGION: Literal["eu-central-1"] = "eu-central-1"


class S3Server(Component):
    """The S3 server and the bucket of the demo."""

    name = "s3"

    @property
    def port(self) -> int:
        """The TCP port."""
        return self.home.port("s3", 9000)

    @property
    def endpoint_url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def access_key(self) -> str:
        """The access key id (moto takes any)."""
        return self.home.secret("s3_access_key", prefix="AKIA")[:20].upper()

    @property
    def secret_key(self) -> str:
        """The secret access key."""
        return self.home.secret("s3_secret_key")

    def client(self) -> S3Client:
        """Return a boto3 client with short time-outs."""
        return boto3.client(
            "s3",
            endpoint_url=self.endpoint_url,
            aws_access_key_id=self.access_key,
            aws_secret_access_key=self.secret_key,
            region_name=REGION,
            config=Config(connect_timeout=3, read_timeout=60, retries={"max_attempts": 1}),
        )

    def prepare(self) -> None:
        """Nothing to prepare: it writes no files."""

    def programs(self) -> Sequence[Program]:
        """The server."""
        command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self.port)]
        return [Program(self.name, command)]

    def unhealthy(self) -> str | None:
        """Whether it lists buckets."""
        try:
            self.client().list_buckets()
        except (BotoCoreError, ClientError) as error:
            return f"the S3 server at {self.endpoint_url}: {error}"
        return None

    def after_start(self) -> None:
        """Create the bucket, with the rules that production's needs as well."""
        client = self.client()
        if BUCKET not in {bucket["Name"] for bucket in client.list_buckets()["Buckets"]}:
            client.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        client.put_bucket_lifecycle_configuration(
            Bucket=BUCKET, LifecycleConfiguration=json.loads(LIFECYCLE.read_text())
        )

    def connections(self) -> dict[str, str]:
        """The AWS connection, with the bucket where S3Hook looks for its default."""
        extra = {
            "endpoint_url": self.endpoint_url,
            "region_name": REGION,
            "service_config": {"s3": {"bucket_name": BUCKET}},
        }
        connection = {"conn_type": "aws", "login": self.access_key, "password": self.secret_key, "extra": extra}
        return {"aws_default": json.dumps(connection)}
