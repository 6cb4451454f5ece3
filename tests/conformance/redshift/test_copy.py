"""COPY from S3."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.conformance.redshift.warehouse import Session, Warehouse

pytestmark = pytest.mark.integration

COLUMNS = "id BIGINT, name VARCHAR(20), amount DECIMAL(8,2)"
ALL_ROWS = [(1, "a", Decimal("1.50")), (2, "", None), (3, None, Decimal("-2.00")), (4, 'x,"y"\nz', Decimal(0))]
CSV = '1,a,1.5\n2,"",@N\n3,@N,-2\n4,"x,""y""\nz",0\n'


@pytest.fixture
def table(db: Session, name: str) -> str:
    db.run(f"CREATE TABLE {name} ({COLUMNS})")
    return name


def rows(db: Session, table: str) -> list[tuple[object, ...]]:
    return db.run(f"SELECT * FROM {table} ORDER BY id")


@pytest.mark.parametrize("compression", [None, "gzip", "zstd"])
def test_csv(db: Session, table: str, warehouse: Warehouse, compression: str | None) -> None:
    url = warehouse.put(f"{table}.csv", CSV, compression)
    db.run(warehouse.copy(table, url, f"CSV NULL AS '@N' {compression or ''} COMPUPDATE OFF STATUPDATE OFF"))
    assert rows(db, table) == ALL_ROWS
    assert db.value("SELECT pg_last_copy_count()") == 4


@pytest.mark.parametrize(
    ("data", "options", "expected"),
    [
        ("1,a,1\n2,,\n", "CSV", [(1, "a", 1), (2, "", None)]),
        ("1,a,1\n2,,\n", "CSV EMPTYASNULL", [(1, "a", 1), (2, None, None)]),
        ("1,a,1\n2,,\n", "CSV NULL AS ''", [(1, "a", 1), (2, None, None)]),
        ("1,\\N,1\n2,b,\\N\n", "CSV", [(1, None, 1), (2, "b", None)]),
        ("1,nil,1\n2,,3\n", "CSV NULL AS 'nil' EMPTYASNULL", [(1, None, 1), (2, None, 3)]),
        ("id,name,amount\n1,a,1\n", "CSV IGNOREHEADER 1", [(1, "a", 1)]),
        ("1;'a;''b';1\n", "CSV DELIMITER ';' QUOTE AS ''''", [(1, "a;'b", 1)]),
        ('1|"a"|1\n2|\\N|\\N\n', "", [(1, '"a"', 1), (2, None, None)]),
        ("1\ta\t1\n", "DELIMITER '\\t'", [(1, "a", 1)]),
        ("1,a,1\r\n2,b,2\r\n", "CSV", [(1, "a", 1), (2, "b", 2)]),
        ("1,a,1\n2,b,2", "CSV", [(1, "a", 1), (2, "b", 2)]),
    ],
)
def test_options(
    db: Session, table: str, warehouse: Warehouse, data: str, options: str, expected: list[tuple[object, ...]]
) -> None:
    db.run(warehouse.copy(table, warehouse.put(f"{table}.txt", data), options))
    assert rows(db, table) == expected


@pytest.mark.parametrize(
    ("kind", "option", "value", "expected"),
    [
        ("TIMESTAMP", "", "2021-09-16 01:02:03.000004", "2021-09-16 01:02:03.000004"),
        ("TIMESTAMP", "TIMEFORMAT 'auto'", "2021-09-16T01:02:03.5", "2021-09-16 01:02:03.500000"),
        ("TIMESTAMP", "TIMEFORMAT 'epochsecs'", "1631754123", "2021-09-16 01:02:03.000000"),
        ("TIMESTAMP", "TIMEFORMAT 'epochmillisecs'", "1631754123250", "2021-09-16 01:02:03.250000"),
        ("TIMESTAMP", "TIMEFORMAT 'DD.MM.YYYY HH24:MI:SS'", "16.09.2021 01:02:03", "2021-09-16 01:02:03.000000"),
        ("DATE", "DATEFORMAT 'MM/DD/YYYY'", "09/16/2021", "2021-09-16 00:00:00.000000"),
        ("DATE", "DATEFORMAT 'auto'", "2021-09-16", "2021-09-16 00:00:00.000000"),
    ],
)
def test_formats(
    db: Session, name: str, warehouse: Warehouse, kind: str, option: str, value: str, expected: str
) -> None:
    db.run(f"CREATE TABLE {name} (id INT, at {kind})")
    db.run(warehouse.copy(name, warehouse.put(f"{name}.csv", f"1,{value}\n"), f"CSV {option}"))
    assert db.value(f"SELECT TO_CHAR(at::TIMESTAMP, 'YYYY-MM-DD HH24:MI:SS.US') FROM {name}") == expected


def test_every_type_from_csv(db: Session, name: str, warehouse: Warehouse) -> None:
    db.run(
        f"CREATE TABLE {name} (i INT, b BOOLEAN, v VARBYTE(10), s SUPER, d DATE, c CHAR(3), f FLOAT, u DECIMAL(20,0))"
    )
    line = '7,true,00FF10,"{""a"": [1, ""é""]}",2021-09-16,ab,0.1,18446744073709551615\n@N,@N,@N,@N,@N,@N,@N,@N\n'
    db.run(warehouse.copy(name, warehouse.put(f"{name}.csv", line), "CSV NULL AS '@N' DATEFORMAT 'auto'"))
    loaded = f"SELECT i, b, TO_HEX(v), JSON_SERIALIZE(s), TO_CHAR(d, 'YYYYMMDD'), RTRIM(c), f, u FROM {name} ORDER BY i"
    assert db.run(loaded) == [
        (7, True, "00ff10", '{"a":[1,"é"]}', "20210916", "ab", 0.1, Decimal(18446744073709551615)),
        (None,) * 8,
    ]


def test_a_column_list_fills_the_others_with_their_defaults(db: Session, name: str, warehouse: Warehouse) -> None:
    db.run(f"CREATE TABLE {name} (id BIGINT IDENTITY(1,1), a INT, b VARCHAR(5) DEFAULT 'std', c INT)")
    db.run(warehouse.copy(f"{name} (c, a)", warehouse.put(f"{name}.csv", "30,10\n"), "CSV"))
    assert db.run(f"SELECT a, b, c FROM {name} WHERE id IS NOT NULL") == [(10, "std", 30)]


def test_a_prefix_loads_all_that_begins_with_it(db: Session, table: str, warehouse: Warehouse) -> None:
    for number in (1, 2, 10):
        warehouse.put(f"{table}/part-{number}", f"{number},x,0\n")
    warehouse.put(f"{table}/other", "99,x,0\n")
    db.run(warehouse.copy(table, warehouse.url(f"{table}/part-"), "CSV"))
    assert [row[0] for row in rows(db, table)] == [1, 2, 10]


def test_a_manifest_loads_exactly_its_files(db: Session, table: str, warehouse: Warehouse) -> None:
    first, second = (warehouse.put(f"{table}/{n}", f"{n},x,0\n") for n in (1, 2))
    warehouse.put(f"{table}/3", "3,x,0\n")
    db.run(warehouse.copy(table, warehouse.put_manifest(f"{table}/manifest", first, second), "CSV MANIFEST"))
    assert [row[0] for row in rows(db, table)] == [1, 2]


def test_a_missing_mandatory_file_loads_nothing(db: Session, table: str, warehouse: Warehouse) -> None:
    there, missing = warehouse.put(f"{table}/1", "1,x,0\n"), warehouse.url(f"{table}/2")
    error = db.fails(warehouse.copy(table, warehouse.put_manifest(f"{table}/manifest", there, missing), "CSV MANIFEST"))
    assert error.sqlstate == "XX000"
    assert rows(db, table) == []
    optional = warehouse.put_manifest(f"{table}/optional", there, missing, mandatory=False)
    db.run(warehouse.copy(table, optional, "CSV MANIFEST"))
    assert [row[0] for row in rows(db, table)] == [1]


def test_a_manifest_without_any_file_there_is_an_error(db: Session, table: str, warehouse: Warehouse) -> None:
    empty = warehouse.put_manifest(f"{table}/manifest", warehouse.url(f"{table}/1"), mandatory=False)
    db.fails(warehouse.copy(table, empty, "CSV MANIFEST"))


@pytest.mark.parametrize("what", ["prefix", "manifest", "bucket"])
def test_what_is_not_there_is_an_error(db: Session, table: str, warehouse: Warehouse, what: str) -> None:
    url = warehouse.url(f"{table}/nothing").replace(
        warehouse.bucket, f"no-such-{warehouse.bucket}"[:60], what == "bucket"
    )
    assert db.fails(warehouse.copy(table, url, "CSV MANIFEST" if what == "manifest" else "CSV")).sqlstate == "XX000"


def parquet(**columns: pa.Array) -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.table(columns), out, row_group_size=2)
    return out.getvalue()


def test_parquet(db: Session, name: str, warehouse: Warehouse) -> None:
    columns = "a BIGINT, b VARCHAR(9), c DECIMAL(9,2), d DATE, e TIMESTAMP, f BOOLEAN, g VARBYTE(4), h REAL"
    db.run(f"CREATE TABLE {name} ({columns})")
    moment = datetime(2021, 9, 16, 1, 2, 3, 4, tzinfo=UTC)
    file = parquet(
        a=pa.array([1, 2, None], pa.int64()),
        b=pa.array(['é",\n', "", None]),
        c=pa.array([Decimal("1.50"), None, Decimal(0)], pa.decimal128(9, 2)),
        d=pa.array([moment.date(), None, None], pa.date32()),
        e=pa.array([moment.replace(tzinfo=None), None, None], pa.timestamp("us")),
        f=pa.array([True, False, None]),
        g=pa.array([b"\x00\xff", b"", None], pa.binary()),
        h=pa.array([0.5, None, None], pa.float32()),
    )
    db.run(warehouse.copy(name, warehouse.put(f"{name}.parquet", file), "FORMAT AS PARQUET"))
    assert db.run(f"SELECT a, b, c, d, e, f, TO_HEX(g), h FROM {name} ORDER BY a") == [
        (1, 'é",\n', Decimal("1.50"), moment.date(), moment.replace(tzinfo=None), True, "00ff", 0.5),
        (2, "", None, None, None, False, "", None),
        (None, None, Decimal("0.00"), None, None, None, None, None),
    ]
    assert db.value("SELECT pg_last_copy_count()") == 3


def test_parquet_columns_must_fit_in_number_and_type(db: Session, name: str, warehouse: Warehouse) -> None:
    db.run(f"CREATE TABLE {name} (a BIGINT, b VARCHAR(9))")
    for file in (parquet(a=pa.array([1])), parquet(a=pa.array([1], pa.int32()), b=pa.array(["x"]))):
        error = db.fails(warehouse.copy(name, warehouse.put(f"{name}.parquet", file), "FORMAT AS PARQUET"))
        assert error.sqlstate == "XX000"
    assert db.value(f"SELECT COUNT(*) FROM {name}") == 0


def test_a_parquet_manifest_needs_content_lengths(db: Session, name: str, warehouse: Warehouse) -> None:
    db.run(f"CREATE TABLE {name} (a BIGINT)")
    file = parquet(a=pa.array([1, 2]))
    url = warehouse.put(f"{name}.parquet", file)
    options = "FORMAT AS PARQUET MANIFEST"
    db.fails(warehouse.copy(name, warehouse.put_manifest(f"{name}/without", url), options))
    db.run(warehouse.copy(name, warehouse.put_manifest(f"{name}/with", url, a=len(file)), options))
    assert db.value(f"SELECT SUM(a) FROM {name}") == 3


BAD_FILE = "id,name,amount\n1,a,1\n2,b,x1\n3,this is far too long for it,3\n4,d,4,4\n5\n6,f,6\n"


def errors(db: Session, url: str) -> list[tuple[object, ...]]:
    return db.run(
        "SELECT line_number, TRIM(colname), TRIM(type), TRIM(col_length), TRIM(raw_line), TRIM(raw_field_value),"
        " err_code, TRIM(err_reason) FROM stl_load_errors WHERE TRIM(filename) = %s ORDER BY line_number",
        [url],
    )


def test_a_bad_row_fails_the_load_and_is_named(db: Session, table: str, warehouse: Warehouse) -> None:
    good, bad = warehouse.put(f"{table}/1", "0,x,0\n"), warehouse.put(f"{table}/2", BAD_FILE)
    manifest = warehouse.put_manifest(f"{table}/manifest", good, bad)
    error = db.fails(warehouse.copy(table, manifest, "CSV IGNOREHEADER 1 MANIFEST"))
    assert error.sqlstate == "XX000"
    assert f"Load into table '{table}' failed." in error.message
    assert rows(db, table) == []
    assert db.value("SELECT pg_last_copy_count()") == 0
    line, column, kind, length, raw_line, value, code, reason = errors(db, bad)[0]
    assert (line, column, kind, length, raw_line, value) == (3, "amount", "numeric", "8, 2", "2,b,x1", "x1")
    assert code == 1207
    assert str(reason).startswith("Invalid digit, Value 'x', Pos 0")


def test_maxerror_lets_fewer_bad_rows_than_that_pass(db: Session, table: str, warehouse: Warehouse) -> None:
    url = warehouse.put(f"{table}.csv", BAD_FILE)
    db.fails(warehouse.copy(table, url, "CSV IGNOREHEADER 1 MAXERROR 4"))
    assert rows(db, table) == []
    db.run(warehouse.copy(table, url, "CSV IGNOREHEADER 1 MAXERROR 5"))
    assert [row[0] for row in rows(db, table)] == [1, 6]
    assert db.value("SELECT pg_last_copy_count()") == 2
    found = {(row[0], row[6]) for row in errors(db, url)}
    assert {(3, 1207), (4, 1204), (5, 1202)} <= found


def test_load_errors_of_the_last_copy_are_found_by_its_id(db: Session, table: str, warehouse: Warehouse) -> None:
    url = warehouse.put(f"{table}.csv", "1,a,x\n")
    db.fails(warehouse.copy(table, url, "CSV"))
    found = db.run(
        "SELECT TRIM(file_name), line_number, TRIM(column_name), error_code FROM sys_load_error_detail"
        " WHERE query_id = pg_last_copy_id()"
    )
    assert found == [(url, 1, "amount", 1207)]


def test_not_null_and_bytes_are_checked(db: Session, name: str, warehouse: Warehouse) -> None:
    db.run(f"CREATE TABLE {name} (id INT NOT NULL, name VARCHAR(4))")
    for number, line, code in ((1, "@N,a", 1213), (2, "1,ééé", 1204)):
        url = warehouse.put(f"{name}/{number}", line + "\n")
        db.fails(warehouse.copy(name, url, "CSV NULL AS '@N'"))
        assert [row[6] for row in errors(db, url)] == [code]


@pytest.mark.parametrize("end", ["commit", "rollback"])
def test_copy_runs_in_the_sessions_transaction(db: Session, table: str, warehouse: Warehouse, end: str) -> None:
    url = warehouse.put(f"{table}.csv", CSV)
    other = warehouse.connect()
    db.connection.autocommit = False
    db.run(f"INSERT INTO {table} VALUES (0, 'before', 0)")
    db.run(warehouse.copy(table, url, "CSV NULL AS '@N'"))
    assert db.value(f"SELECT COUNT(*) FROM {table}") == 5
    assert other.value(f"SELECT COUNT(*) FROM {table}") == 0
    getattr(db, end)()
    assert other.value(f"SELECT COUNT(*) FROM {table}") == (5 if end == "commit" else 0)
    other.close()


def test_a_failed_copy_aborts_the_transaction(db: Session, table: str, warehouse: Warehouse) -> None:
    url = warehouse.put(f"{table}.csv", "1,a,x\n")
    db.connection.autocommit = False
    db.run(f"INSERT INTO {table} VALUES (0, 'before', 0)")
    db.fails(warehouse.copy(table, url, "CSV"))
    assert "current transaction is aborted" in db.fails(f"SELECT * FROM {table}").message
    db.rollback()
    assert rows(db, table) == []
    assert len(errors(db, url)) == 1


@pytest.mark.parametrize(
    ("target", "options"),
    [
        ("no_such_table", "CSV"),
        ("{table} (id, nothing)", "CSV"),
        ("{table}", "CSV FIXEDWIDTH 'a:1'"),
        ("{table}", "CSV PARQUET"),
        ("{table}", "PARQUET IGNOREHEADER 1"),
        ("{table}", "CSV NONSENSE"),
        ("{table}", "CSV IGNOREHEADER 'x'"),
    ],
)
def test_statements_that_cannot_run(db: Session, table: str, warehouse: Warehouse, target: str, options: str) -> None:
    db.fails(warehouse.copy(target.format(table=table), warehouse.put(f"{table}.csv", CSV), options))


@pytest.mark.parametrize("compression", ["gzip", "zstd"])
def test_a_damaged_file_loads_nothing(db: Session, table: str, warehouse: Warehouse, compression: str) -> None:
    whole = warehouse.put(f"{table}.whole", "1,a,1\n" * 1000, compression)
    body = warehouse.s3.get_object(Bucket=warehouse.bucket, Key=whole.split("/", 3)[3])["Body"].read()
    for number, damaged in enumerate((body[:-5], b"1,a,1\n" * 100)):
        url = warehouse.put(f"{table}.damaged{number}", damaged)
        assert db.fails(warehouse.copy(table, url, f"CSV {compression}")).sqlstate == "XX000"
    assert rows(db, table) == []
