"""Create the bucket, and have it forget raw extracts: what runs before the demo's first task needs S3.

Raw extracts hold personal data. The pipelines delete their own; the expiry covers runs that failed or were killed. The
parts of uploads that never ended can be read by nobody, and cost money.
"""

import json
import logging
import os
import sys
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

LIFECYCLE = Path(__file__).with_name("bucket-lifecycle.json")

log = logging.getLogger("init_s3")


def prepare_bucket(client: Any, bucket: str, region: str) -> None:
    """Create `bucket` unless it exists, and set its lifecycle; a second time changes nothing.

    :param client: a boto3 S3 client.
    """
    if bucket not in {existing["Name"] for existing in client.list_buckets()["Buckets"]}:
        client.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": region})
        log.info("created bucket %s", bucket)
    client.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration=json.loads(LIFECYCLE.read_text()))
    log.info("bucket %s expires raw extracts (%s)", bucket, LIFECYCLE.name)


def main() -> int:
    """Read S3_ENDPOINT_URL, S3_BUCKET and AWS_* from the environment; return the exit code."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    endpoint, region = os.environ["S3_ENDPOINT_URL"], os.environ["AWS_DEFAULT_REGION"]
    client = boto3.client("s3", endpoint_url=endpoint, region_name=region)
    try:
        prepare_bucket(client, os.environ["S3_BUCKET"], region)
    except (BotoCoreError, ClientError) as error:
        log.error("cannot prepare bucket %s at %s: %s", os.environ["S3_BUCKET"], endpoint, error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
