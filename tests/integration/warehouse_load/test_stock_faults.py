"""What the Amazon provider's operator does wrong, and this one does not; each fault is shown with both."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from airflow.providers.amazon.aws.transfers.s3_to_redshift import S3ToRedshiftOperator as StockOperator
from airflow.sdk.exceptions import AirflowFailException

from operators.s3_to_redshift import S3ToRedshiftOperator
from tests.conftest import S3
from tests.integration.warehouse_load.conftest import Warehouse, aws_connection, run_context
from tests.support.loads import Lake

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("airflow_connections")]

RUN = run_context("scheduled__2021-09-17")
Load = Callable[..., Any]


class Bench:
    """A fresh table of three columns, and loads of small CSV files into it."""

    def __init__(self, warehouse: Warehouse, lake: Lake, table: str = "") -> None:
        self.warehouse = warehouse
        self.lake = lake
        self.table = table or f"t_{uuid.uuid4().hex[:12]}"
        self.warehouse.execute(
            f'CREATE TABLE public."{self.table}" (id INTEGER, score SMALLINT, at SMALLINT DEFAULT 7)'
        )

    def load(self, operator: type[StockOperator], csv: str, *, key: str = "", **options: Any) -> Any:
        """Write a file and load it."""
        key = key or f"{uuid.uuid4().hex}.csv"
        self.lake.put(key, csv.encode())
        return self.run(operator, key, **options)

    def run(self, operator: type[StockOperator], key: str, **options: Any) -> Any:
        """Load what is there."""
        arguments: dict[str, Any] = {
            "task_id": "load",
            "schema": "public",
            "table": self.table,
            "s3_bucket": self.lake.bucket,
            "s3_key": f"{self.lake.prefix}/{key}",
            "copy_options": ["CSV"],
        }
        return operator(**(arguments | options)).execute(RUN)

    def rows(self) -> list[tuple[Any, ...]]:
        return self.warehouse.execute(f'SELECT * FROM public."{self.table}" ORDER BY 1, 2, 3')


@pytest.fixture
def bench(warehouse: Warehouse, lake: Lake) -> Callable[[], Bench]:
    return lambda: Bench(warehouse, lake)


UPSERT: dict[str, Any] = {"method": "UPSERT", "upsert_keys": ["id"]}


def test_a_retried_append_doubles_no_rows(bench: Callable[[], Bench]) -> None:
    stock, ours = bench(), bench()
    for table, operator in ((stock, StockOperator), (ours, S3ToRedshiftOperator)):
        table.load(operator, "1,1,1\n2,2,2\n", key="rows.csv")
        table.run(operator, "rows.csv")  # the same task of the same run: its answer was lost

    assert len(stock.rows()) == 4
    assert ours.rows() == [(1, 1, 1), (2, 2, 2)]
    ours.load(S3ToRedshiftOperator, "2,2,2\n", key="more.csv")
    assert ours.rows() == [(1, 1, 1), (2, 2, 2), (2, 2, 2)]


def test_another_run_appends_the_same_files_again(bench: Callable[[], Bench]) -> None:
    table = bench()
    table.lake.put("rows.csv", b"1,1,1\n")
    for run_id in ("one", "two"):
        S3ToRedshiftOperator(
            task_id="load",
            schema="public",
            table=table.table,
            s3_bucket=table.lake.bucket,
            s3_key=f"{table.lake.prefix}/rows.csv",
            copy_options=["CSV"],
        ).execute(run_context(run_id))

    assert table.rows() == [(1, 1, 1), (1, 1, 1)]


def test_duplicate_keys_do_not_all_land(bench: Callable[[], Bench]) -> None:
    stock, ours = bench(), bench()
    batch = "1,1,1\n1,3,3\n1,2,2\n2,9,9\n"
    stock.load(StockOperator, batch, **UPSERT)
    assert len(stock.rows()) == 4

    with pytest.raises(AirflowFailException, match=r"1 keys \(id\) have several rows, and no order_key"):
        ours.load(S3ToRedshiftOperator, batch, **UPSERT)
    assert ours.rows() == []
    ours.load(S3ToRedshiftOperator, batch, **UPSERT, order_key="at")
    assert ours.rows() == [(1, 3, 3), (2, 9, 9)]


def test_duplicates_with_one_order_value_must_be_equal(bench: Callable[[], Bench]) -> None:
    table = bench()
    table.load(S3ToRedshiftOperator, "1,5,1\n1,5,1\n1,4,0\n2,,1\n2,,1\n", **UPSERT, order_key="at")
    assert table.rows() == [(1, 5, 1), (2, None, 1)]

    for differing in ("3,5,1\n3,6,1\n", "3,5,1\n3,,1\n"):
        with pytest.raises(AirflowFailException, match=r"1 keys .* several different rows with the same newest 'at'"):
            table.load(S3ToRedshiftOperator, differing, **UPSERT, order_key="at")
    assert table.rows() == [(1, 5, 1), (2, None, 1)]


def test_a_column_list_leaves_the_other_columns_alone(bench: Callable[[], Bench]) -> None:
    stock, ours = bench(), bench()
    for table, operator in ((stock, StockOperator), (ours, S3ToRedshiftOperator)):
        table.load(operator, "1,1,1\n")
        table.load(operator, "1,9\n2,8\n", **UPSERT, column_list=["id", "score"])

    assert stock.rows() == [(1, 9, 7), (2, 8, 7)]  # row 1 was reset to the default
    assert ours.rows() == [(1, 9, 1), (2, 8, 7)]


def test_null_keys_do_not_pile_up(bench: Callable[[], Bench]) -> None:
    stock, ours = bench(), bench()
    for _ in range(2):
        stock.load(StockOperator, ",1,1\n2,2,2\n", **UPSERT)
    assert [row[0] for row in stock.rows()] == [2, None, None]

    ours.lake.put("parts/a.csv", b"1,1,1\n2,2,2\n")
    ours.lake.put("parts/b.csv", b",1,1\n,3,3\n3,3,3\n")
    with pytest.raises(AirflowFailException, match=r"2 rows have NULL in id, in s3://\S+/parts/b.csv \(2\)\."):
        ours.run(S3ToRedshiftOperator, "parts/", **UPSERT)
    assert ours.rows() == []


def test_an_older_batch_overwrites_nothing_newer(bench: Callable[[], Bench]) -> None:
    stock, ours = bench(), bench()
    for table, operator, options in (
        (stock, StockOperator, UPSERT),
        (ours, S3ToRedshiftOperator, UPSERT | {"order_key": "at"}),
    ):
        table.load(operator, "1,9,2\n", **options)
        table.load(operator, "1,1,1\n2,1,1\n", **options)

    assert stock.rows() == [(1, 1, 1), (2, 1, 1)]
    assert ours.rows() == [(1, 9, 2), (2, 1, 1)]


def test_a_bad_row_is_named_and_its_value_is_not(bench: Callable[[], Bench], task_log: Callable[[], str]) -> None:
    stock, ours = bench(), bench()
    with pytest.raises(Exception, match="stl_load_errors") as stock_error:
        stock.load(StockOperator, "1,1,1\n2,secret-value,2\n")
    assert "line" not in str(stock_error.value)

    with pytest.raises(AirflowFailException) as error:
        ours.load(S3ToRedshiftOperator, "1,1,1\n2,secret-value,2\n", key="bad.csv")
    assert "/files/bad.csv, line 2, column 'score' (int2): Invalid digit" in str(error.value)
    assert ours.rows() == []
    assert "secret-value" not in str(error.value) + task_log()


def test_an_empty_prefix_is_an_empty_batch(bench: Callable[[], Bench]) -> None:
    stock, ours = bench(), bench()
    with pytest.raises(Exception, match="does not exist"):
        stock.run(StockOperator, "nothing/", **UPSERT)

    ours.load(S3ToRedshiftOperator, "1,1,1\n")
    for options in (UPSERT, {"method": "APPEND"}):
        assert ours.run(S3ToRedshiftOperator, "nothing/", **options)["staged"] == 0
    with pytest.raises(AirflowFailException, match=r"there are no files, and REPLACE would leave .* empty"):
        ours.run(S3ToRedshiftOperator, "nothing/", method="REPLACE")
    assert ours.rows() == [(1, 1, 1)]


def test_credentials_are_shown_nowhere(
    bench: Callable[[], Bench],
    warehouse: Warehouse,
    s3: S3,
    monkeypatch: pytest.MonkeyPatch,
    task_log: Callable[[], str],
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_REDSHIFT_DEFAULT", warehouse.airflow_connection(role_arn=None))
    monkeypatch.setenv("AIRFLOW_CONN_AWS_KEYS", aws_connection(s3))
    ours = bench()
    ours.load(S3ToRedshiftOperator, "1,1,1\n", aws_conn_id="aws_keys")
    with pytest.raises(AirflowFailException) as error:
        ours.load(S3ToRedshiftOperator, "1,1,1\n", aws_conn_id="aws_keys", copy_options=["CSV", "NONSENSE"])
    operator = S3ToRedshiftOperator(task_id="x", table="t", s3_bucket="b", s3_key="k")
    fields = str({name: getattr(operator, name) for name in operator.template_fields})

    assert ours.rows() == [(1, 1, 1)]
    log = task_log()
    assert "COPY _stage_0" in log
    assert s3.secret_key not in log + str(error.value) + fields


def test_the_stock_operator_shows_them(bench: Callable[[], Bench], s3: S3, task_log: Callable[[], str]) -> None:
    bench().load(StockOperator, "1,1,1\n")
    assert s3.secret_key in task_log()  # only Airflow's masker stands between it and the reader


def test_identifiers_are_quoted(warehouse: Warehouse, lake: Lake) -> None:
    warehouse.execute('CREATE TABLE public."My Order" ("Select" INTEGER, "a ""b""" VARCHAR(9), PRIMARY KEY ("Select"))')
    lake.put("odd.csv", b"1,x\n2,y\n")
    arguments: dict[str, Any] = {
        "task_id": "load",
        "schema": "public",
        "table": "My Order",
        "s3_bucket": lake.bucket,
        "s3_key": f"{lake.prefix}/odd.csv",
        "copy_options": ["CSV"],
        "method": "UPSERT",
    }
    with pytest.raises(Exception, match=r"syntax|No primary key"):
        StockOperator(**arguments).execute(RUN)

    S3ToRedshiftOperator(**arguments).execute(RUN)
    lake.put("odd.csv", b"z,2\n")
    S3ToRedshiftOperator(**arguments, column_list=['"a ""b"""', "SELECT"], upsert_keys=["Select"]).execute(RUN)

    assert warehouse.execute('SELECT * FROM public."My Order" ORDER BY 1') == [(1, "x"), (2, "z")]


def test_counts_are_returned(bench: Callable[[], Bench]) -> None:
    table = bench()
    options = UPSERT | {"order_key": "at"}
    result = table.load(S3ToRedshiftOperator, "1,1,5\n2,2,5\n2,1,4\n", **options)
    [(load_id,)] = table.warehouse.execute(f"SELECT load_id FROM audit.loads WHERE target = 'public.{table.table}'")
    assert result == {
        "target": f"public.{table.table}",
        "load_ids": [load_id],
        "staged": 3,
        "duplicates": 1,
        "stale": 0,
        "inserted": 2,
        "updated": 0,
        "removed": 0,
    }
    counts = table.load(S3ToRedshiftOperator, "1,1,4\n2,9,6\n3,3,3\n", **options)
    assert (counts["staged"], counts["stale"], counts["inserted"], counts["updated"]) == (3, 1, 1, 1)
    counts = table.load(S3ToRedshiftOperator, "8,8,8\n", method="REPLACE")
    assert (counts["inserted"], counts["removed"]) == (1, 3)
    assert table.rows() == [(8, 8, 8)]


def test_upsert_keys_are_templated(bench: Callable[[], Bench]) -> None:
    operator = S3ToRedshiftOperator(
        task_id="load", table="t", s3_bucket="b", s3_key="k", method="UPSERT", upsert_keys=["{{ key }}"]
    )
    operator.render_template_fields({"key": "id"})  # type: ignore[typeddict-unknown-key]
    assert operator.upsert_keys == ["id"]
    assert "upsert_keys" not in StockOperator.template_fields


def test_a_key_that_others_begin_with_is_refused(bench: Callable[[], Bench]) -> None:
    stock, ours = bench(), bench()
    for table in (stock, ours):
        table.lake.put("day-1", b"1,1,1\n")
        table.lake.put("day-10", b"10,10,10\n")
    stock.run(StockOperator, "day-1")
    assert len(stock.rows()) == 2  # of which one was asked for

    message = "is an object, and the beginning of 1 other keys, such as '.*day-10'"
    with pytest.raises(AirflowFailException, match=message):
        ours.run(S3ToRedshiftOperator, "day-1")
    assert ours.rows() == []


def test_no_key_at_all(bench: Callable[[], Bench]) -> None:
    with pytest.raises(AirflowFailException, match="declares no primary key; say by upsert_keys"):
        bench().load(S3ToRedshiftOperator, "1,1,1\n", method="UPSERT")
