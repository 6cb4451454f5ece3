"""Who may read S3: roles, keys that S3 itself checks, and secrets that are written nowhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing

import boto3
import psycopg2
import pytest
import requests
from moto.server import ThreadedMotoServer

from tests.conftest import S3
from tests.integration.redshift_service.service import ROLE, Service

pytestmark = pytest.mark.integration


def copy(service: Service, database: str, sql: str) -> str:
    """Run a COPY; return "" or the error's message."""
    with closing(service.connect(database)) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE IF NOT EXISTS t (a INT, b VARCHAR(5))")
        try:
            cursor.execute(sql)
        except psycopg2.errors.InternalError_ as error:
            return str(error)
    return ""


def test_roles(service: Service, database: str, s3: S3) -> None:
    bucket = s3.fresh_bucket("roles")
    s3.client().put_object(Bucket=bucket, Key="f.csv", Body=b"1,a\n")
    source = f"COPY t FROM 's3://{bucket}/f.csv'"
    assert copy(service, database, f"{source} IAM_ROLE '{ROLE}' CSV") == ""
    assert copy(service, database, f"{source} IAM_ROLE DEFAULT CSV") == ""
    assert copy(service, database, f"{source} CREDENTIALS 'aws_iam_role={ROLE}' CSV") == ""
    other = "arn:aws:iam::000000000000:role/other"
    error = copy(service, database, f"{source} IAM_ROLE '{other}' CSV")
    assert f"dbuser:local/tester is not authorized to assume IAM Role {other}" in error


@pytest.fixture
def guarded_s3() -> Iterator[tuple[str, str, str]]:
    """An S3 that checks signatures: its URL and one pair of keys that may read."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    account = boto3.session.Session("x", "y", region_name="us-east-1")
    iam, s3 = account.client("iam", endpoint_url=url), account.client("s3", endpoint_url=url)
    iam.create_user(UserName="reader")
    allowed = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}'
    iam.put_user_policy(UserName="reader", PolicyName="read", PolicyDocument=allowed)
    access = iam.create_access_key(UserName="reader")["AccessKey"]
    s3.create_bucket(Bucket="guarded")
    s3.put_object(Bucket="guarded", Key="f.csv", Body=b"1,a\n")
    requests.post(f"{url}/moto-api/reset-auth", data="0", timeout=10).raise_for_status()
    yield url, access["AccessKeyId"], access["SecretAccessKey"]
    requests.post(f"{url}/moto-api/reset-auth", data="inf", timeout=10)
    server.stop()


def test_keys_are_checked_by_s3_and_written_nowhere(
    start: Callable[..., Service], database: str, guarded_s3: tuple[str, str, str]
) -> None:
    url, access, secret = guarded_s3
    service = start(s3_endpoint_url=url)
    source = "COPY t FROM 's3://guarded/f.csv'"
    good = f"CREDENTIALS 'aws_access_key_id={access};aws_secret_access_key={secret}'"
    bad = f"ACCESS_KEY_ID '{access}' SECRET_ACCESS_KEY '{secret[::-1]}'"
    assert copy(service, database, f"{source} {good} CSV") == ""
    error = copy(service, database, f"{source} {bad} CSV")
    assert "S3ServiceException:" in error
    assert "Status 403" in error
    assert secret[::-1] not in error
    log = service.log.read_text()
    assert "COPY t: 1 rows of 1 files" in log
    assert secret not in log
    assert secret[::-1] not in log


def test_an_s3_that_does_not_answer_is_named(start: Callable[..., Service], database: str) -> None:
    service = start(s3_endpoint_url="http://127.0.0.1:1")
    error = copy(service, database, f"COPY t FROM 's3://b/f.csv' IAM_ROLE '{ROLE}' CSV")
    assert "http://127.0.0.1:1" in error
