"""The COPY statement and its options."""

import pytest

from services.redshift.copy.statement import CopyStatement
from services.redshift.errors import SqlError
from tests.unit.redshift_service.rewriting import planned

KEYS = "CREDENTIALS 'aws_access_key_id=AKIA;aws_secret_access_key=hidden'"


def copy(sql: str) -> CopyStatement:
    statement = planned(sql).copy
    assert statement is not None
    return statement


def test_everything_at_once() -> None:
    statement = copy(
        "COPY \"S\".t (a, \"B\") FROM 's3://bucket/dir/manifest.json' IAM_ROLE 'arn:aws:iam::1:role/x' MANIFEST "
        "FORMAT AS CSV QUOTE AS '%' DELIMITER ';' GZIP REGION AS 'eu-west-1' IGNOREHEADER AS 2 NULL AS '@N' "
        "EMPTYASNULL DATEFORMAT 'auto' TIMEFORMAT AS 'epochsecs' MAXERROR 10 COMPUPDATE OFF STATUPDATE ON"
    )
    assert (statement.table, statement.columns) == (["s", "t"], ["a", "b"])
    assert (statement.bucket, statement.key, statement.manifest) == ("bucket", "dir/manifest.json", True)
    assert statement.authorization.iam_role == "arn:aws:iam::1:role/x"
    assert (statement.file_format, statement.quote, statement.field_delimiter) == ("csv", "%", ";")
    assert (statement.compression, statement.region, statement.ignore_header) == ("gzip", "eu-west-1", 2)
    assert (statement.date_format, statement.time_format, statement.max_error) == ("auto", "epochsecs", 10)
    assert statement.null_markers == {"@N", ""}


def test_what_the_stock_operator_sends() -> None:
    statement = copy(
        "\n  COPY public.nps (id, score)\n  FROM 's3://b/k'\n  credentials\n"
        "  'aws_access_key_id=AKIA;aws_secret_access_key=hid/den=;token=to+ken'\n"
        "  region 'us-east-1'\n  csv\n\t\t\tIGNOREHEADER 1;"
    )
    authorization = statement.authorization
    assert (authorization.access_key, authorization.secret_key, authorization.token) == ("AKIA", "hid/den=", "to+ken")
    assert statement.file_format == "csv"


@pytest.mark.parametrize(
    ("options", "markers", "delimiter"),
    [
        ("", {"\\N"}, "|"),
        ("CSV", {"\\N"}, ","),
        ("CSV EMPTYASNULL", {""}, ","),
        ("CSV NULL ''", {""}, ","),
        ("CSV NULL '\\\\N'", {"\\N"}, ","),
        ("DELIMITER '\\t'", {"\\N"}, "\t"),
        ("DELIMITER '\\001'", {"\\N"}, "\x01"),
    ],
)
def test_defaults(options: str, markers: set[str], delimiter: str) -> None:
    statement = copy(f"COPY t FROM 's3://b/k' IAM_ROLE DEFAULT {options}")
    assert statement.null_markers == frozenset(markers)
    assert statement.field_delimiter == delimiter


def test_keys_can_be_given_one_by_one() -> None:
    statement = copy("COPY t FROM 's3://b/k' ACCESS_KEY_ID 'a' SECRET_ACCESS_KEY 'b' SESSION_TOKEN 'c' PARQUET")
    authorization = statement.authorization
    assert (authorization.access_key, authorization.secret_key, authorization.token) == ("a", "b", "c")


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        (f"COPY t FROM 's3://b/k' {KEYS} TRUNCATECOLUMNS", "COPY option TRUNCATECOLUMNS is not provided"),
        (f"COPY t FROM 's3://b/k' {KEYS} ACCEPTINVCHARS '?'", "COPY option ACCEPTINVCHARS is not provided"),
        (f"COPY t FROM 's3://b/k' {KEYS} FORMAT JSON 'auto'", "COPY FORMAT JSON is not provided"),
        (f"COPY t FROM 's3://b/k' {KEYS} FORMAT XML", "unknown format XML"),
        (f"COPY t FROM 's3://b/k' {KEYS} HEADER", "not an option of COPY: HEADER"),
        (f"COPY t FROM 's3://b/k' {KEYS} GZIP ZSTD", "exclude each other"),
        (f"COPY t FROM 's3://b/k' {KEYS} MAXERROR 100001", "at most 100000"),
        (f"COPY t FROM 's3://b/k' {KEYS} CSV DELIMITER ';;'", "DELIMITER must be a single ASCII character"),
        (f"COPY t FROM 's3://b/k' {KEYS} QUOTE '%'", "QUOTE can be used with CSV only"),
        (f"COPY t FROM 's3://b/k' {KEYS} PARQUET MAXERROR 5", "MAXERROR argument is not supported for PARQUET"),
        (f"COPY t FROM 's3://b/k' {KEYS} PARQUET REGION 'x'", "REGION argument is not supported for PARQUET"),
        ("COPY t FROM 's3://b/k' CSV", "COPY needs IAM_ROLE, CREDENTIALS"),
        ("COPY t FROM 's3://b/k' CREDENTIALS 'nonsense' CSV", "Invalid credentials. Must be of the format"),
        (f"COPY t FROM 'emr://x/y' {KEYS}", "COPY from emr://"),
        (f"COPY t FROM 's3://' {KEYS}", "s3://bucket/key"),
        (f"COPY t FROM s3 {KEYS}", "expected a string constant"),
    ],
)
def test_errors_name_the_option_and_never_a_secret(sql: str, message: str) -> None:
    with pytest.raises(SqlError) as raised:
        planned(sql)
    assert message in raised.value.message
    assert "hidden" not in f"{raised.value.message} {raised.value.detail} {raised.value.hint}"


def test_secrets_are_not_in_what_might_be_logged() -> None:
    plan = planned(f"COPY t FROM 's3://b/k' {KEYS}")
    assert "hidden" not in repr(plan)
    assert "hidden" not in repr(plan.copy)


def test_a_misplaced_secret_is_not_repeated() -> None:
    with pytest.raises(SqlError) as raised:
        planned("COPY t FROM 's3://b/k' CSV 'aws_secret_access_key=hidden'")
    assert "hidden" not in raised.value.message
    assert "a string" in raised.value.message
