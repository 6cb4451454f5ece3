"""The Redshift Data API gets the provider's own statements."""

from __future__ import annotations

import json

import pytest

from operators.s3_to_redshift import S3ToRedshiftOperator
from tests.conftest import S3
from tests.integration.warehouse_load.conftest import aws_connection, run_context
from tests.support.fault_proxy import FaultProxy

pytestmark = pytest.mark.integration


def test_stock_methods_go_through_the_data_api(s3: S3, monkeypatch: pytest.MonkeyPatch) -> None:
    lake = json.loads(aws_connection(s3, role_arn="arn:aws:iam::000000000000:role/r"))
    monkeypatch.setenv("AIRFLOW_CONN_LAKE", json.dumps(lake))
    task = S3ToRedshiftOperator(
        task_id="load",
        schema="s",
        table="t",
        s3_bucket="b",
        s3_key="k",
        redshift_conn_id="data_api",
        aws_conn_id="lake",
        copy_options=["CSV"],
        redshift_data_api_kwargs={"database": "d", "cluster_identifier": "c", "wait_for_completion": False},
    )
    with FaultProxy(s3.endpoint_url) as proxy:  # the S3 server of the tests answers this API, too
        monkeypatch.setenv("AIRFLOW_CONN_DATA_API", aws_connection(s3, endpoint_url=proxy.endpoint))
        task.execute(run_context("run"))

    [sent] = [json.loads(request.body) for request in proxy.requests]
    assert sent["Database"] == "d"
    assert sent["Sql"].split()[:4] == ["COPY", "s.t", "FROM", "'s3://b/k'"]
