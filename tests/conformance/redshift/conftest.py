"""The endpoint under test: a real Redshift if it is named in the environment, else the local stack's.

VERIFY_REDSHIFT_DSN (postgresql://user:password@host:5439/database) and VERIFY_REDSHIFT_S3 (s3://bucket/prefix, written
to with boto3's own credentials) name a real one; COPY reads there as VERIFY_REDSHIFT_IAM_ROLE, or with the same
credentials. The tests work in a schema and a prefix of their own, which are deleted in the end.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from urllib.parse import urlsplit

import boto3
import pytest
from mypy_boto3_s3.type_defs import ObjectIdentifierTypeDef
from psycopg2.extensions import parse_dsn

from tests.conformance.redshift.warehouse import DRIVERS, Session, Warehouse


def _real(dsn: str, place: str, schema: str) -> Warehouse:
    url = urlsplit(place)
    role = os.environ.get("VERIFY_REDSHIFT_IAM_ROLE")
    authorization = f"IAM_ROLE '{role}'" if role else _own_credentials()
    prefix = f"{url.path}/{schema}".strip("/")
    ssl = parse_dsn(dsn).get("sslmode") != "disable"
    return Warehouse(dsn, ssl, schema, boto3.client("s3"), url.netloc, prefix, authorization)


def _own_credentials() -> str:
    credentials = boto3.session.Session().get_credentials()
    if credentials is None:
        raise pytest.UsageError("boto3 finds no AWS credentials, and VERIFY_REDSHIFT_IAM_ROLE is not set")
    frozen = credentials.get_frozen_credentials()
    keys = f"aws_access_key_id={frozen.access_key};aws_secret_access_key={frozen.secret_key}"
    return f"CREDENTIALS '{keys}{f';token={frozen.token}' if frozen.token else ''}'"


@pytest.fixture(scope="session")
def warehouse(request: pytest.FixtureRequest) -> Iterator[Warehouse]:
    """The endpoint, with a schema and a prefix of the tests' own."""
    dsn, place = os.environ.get("VERIFY_REDSHIFT_DSN"), os.environ.get("VERIFY_REDSHIFT_S3")
    if bool(dsn) != bool(place):
        raise pytest.UsageError("set both VERIFY_REDSHIFT_DSN and VERIFY_REDSHIFT_S3, or neither")
    schema = f"conformance_{uuid.uuid4().hex[:12]}"
    if dsn and place:
        found = _real(dsn, place, schema)
    else:
        local, s3 = request.getfixturevalue("redshift"), request.getfixturevalue("s3")
        role = f"IAM_ROLE '{local.iam_role}'"
        dsn, bucket = local.fresh_database("conformance"), s3.fresh_bucket("conformance")
        found = Warehouse(dsn, False, schema, s3.client(), bucket, schema, role)
    session = found.connect()
    session.run(f"CREATE SCHEMA {schema}")
    yield found
    session.run(f"DROP SCHEMA {schema} CASCADE")
    session.close()
    objects = found.s3.list_objects_v2(Bucket=found.bucket, Prefix=found.prefix).get("Contents", [])
    if objects:
        keys: list[ObjectIdentifierTypeDef] = [{"Key": item["Key"]} for item in objects]  # never more than a thousand
        found.s3.delete_objects(Bucket=found.bucket, Delete={"Objects": keys})


@pytest.fixture(params=DRIVERS)
def db(request: pytest.FixtureRequest, warehouse: Warehouse) -> Iterator[Session]:
    """A session in autocommit, once by each driver."""
    session = warehouse.connect(request.param)
    yield session
    session.close()


@pytest.fixture
def name() -> str:
    """A table's name that no other test has."""
    return f"t_{uuid.uuid4().hex[:12]}"
