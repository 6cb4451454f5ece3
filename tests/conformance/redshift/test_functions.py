"""Functions and clauses, most with the examples of the Amazon Redshift Database Developer Guide."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

import pytest

from tests.conformance.redshift.warehouse import Session

pytestmark = pytest.mark.integration


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


EXAMPLES = [
    ("DATEADD(month, 1, '2008-01-31')", at("2008-02-29")),
    ("DATEADD(day, -30, DATE '2008-03-01')", at("2008-01-31")),
    ("DATEADD(qtr, 2, TIMESTAMP '2008-01-31 10:00')", at("2008-07-31 10:00")),
    ("DATEADD('minute', 90, TIMESTAMP '2008-01-31 23:00')", at("2008-02-01 00:30")),
    ("ADD_MONTHS('2008-04-30', 1)", at("2008-05-31")),
    ("DATEDIFF(year, '2008-12-31', '2009-01-01')", 1),
    ("DATEDIFF(hour, '2009-01-01 08:30:00', '2009-01-01 10:00:00')", 2),
    ("DATEDIFF(week, '2009-01-01', '2009-12-31')", 52),
    ("DATEDIFF(qtr, '1998-07-01', '2008-06-05')", 39),
    ("DATEDIFF(day, DATE '2021-09-17', DATE '2021-09-16')", -1),
    ("DATEDIFF(s, TIMESTAMP '2021-01-01 00:00:00.9', TIMESTAMP '2021-01-01 00:00:01.1')", 1),
    ("DATE_TRUNC('month', DATE '2020-04-28')", at("2020-04-01")),
    ("DATE_TRUNC('week', TIMESTAMP '2020-04-28 22:55:42')", at("2020-04-27")),
    ("DATE_PART(dow, DATE '2021-09-19')", 0),
    ("DATE_PART(month, TIMESTAMP '2009-09-21 11:10:03')", 9),
    ("EXTRACT(sec FROM TIMESTAMP '2009-09-21 11:10:03.189717')", 3),
    ("EXTRACT(year FROM DATE '2009-09-21')", 2009),
    ("LAST_DAY('2008-02-10')", date(2008, 2, 29)),
    ("MONTHS_BETWEEN('1969-01-18', '1969-03-18')", -2),
    ("NEXT_DAY('2014-08-20', 'tuesday')", date(2014, 8, 26)),
    ("TRUNC(TIMESTAMP '2011-07-21 10:32:38')", date(2011, 7, 21)),
    ("CONVERT_TIMEZONE('EST5EDT', 'America/Los_Angeles', TIMESTAMP '2013-03-01 12:00:00')", at("2013-03-01 09:00")),
    ("CONVERT_TIMEZONE('Europe/Paris', TIMESTAMP '2021-07-01 12:00:00')", at("2021-07-01 14:00")),
    ("TO_DATE('02 Oct 2001', 'DD Mon YYYY')", date(2001, 10, 2)),
    ("TO_CHAR(TIMESTAMP '2009-12-31 23:15:59', 'MONTH-DY-DD-YYYY HH12:MIPM')", "DECEMBER -THU-31-2009 11:15PM"),
    ("NVL(NULL, NULL, 'a')", "a"),
    ("NVL2(NULL, 'x', 'y') || NVL2('z', 'x', 'y')", "yx"),
    ("DECODE(NULL, 1, 'one', NULL, 'none', 'many')", "none"),
    ("DECODE(3, 1, 'one', 2, 'two')", None),
    ("LEN('français')", 8),
    ("CHARINDEX('fish', 'dogfish')", 4),
    ("CONCAT('December 25, ', '2008')", "December 25, 2008"),
    ("CONCAT('a', NULL)", None),
    ("REGEXP_REPLACE('a1b22c', '[0-9]+', '#')", "a#b#c"),
    ("REGEXP_SUBSTR('a@b.com', '@[^.]*')", "@b"),
    ("REGEXP_SUBSTR('abc', '[0-9]')", ""),
    ("REGEXP_COUNT('abcdefghijklmnopqrstuvwxyz', '[a-z]{3}')", 8),
    ("SPLIT_PART('abc$def$ghi', '$', 2)", "def"),
    ("STRTOL('abcd1234', 16)", 2882343476),
    ("STRTOL('110101', 2)", 53),
    ("MD5('Amazon Redshift')", "f7415e33f972c03abd4f3fed36748f7a"),
    ("SHA2('abc', 256)", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    ("FNV_HASH('Amazon Redshift')", 7783490368944507294),
    ("FNV_HASH('cd', FNV_HASH('ab'))", -281581062704388899),
    ("ROUND(28.05, 1)", Decimal("28.1")),
    ("ROUND(2.5::FLOAT8, 0)", 3),
    ("TRUNC(110.876, 1)", Decimal("110.8")),
    ("CONVERT(integer, 2008.4)", 2008),
    ("JSON_EXTRACT_PATH_TEXT('{\"a\":{\"b\":\"c\"}}', 'a', 'b')", "c"),
    ("JSON_EXTRACT_ARRAY_ELEMENT_TEXT('[111,112,113]', 2)", "113"),
    ("JSON_ARRAY_LENGTH('[11,12,13,{\"f1\":1},14]')", 5),
    ("IS_VALID_JSON('{\"a\":1}')", True),
    ("IS_VALID_JSON('[1,2]')", False),
    ("CAN_JSON_PARSE('x')", False),
    ("TO_HEX(FROM_HEX('6162'))", "6162"),
    ("FROM_VARBYTE(TO_VARBYTE('é', 'utf8'), 'hex')", "c3a9"),
]


@pytest.mark.parametrize(("expression", "expected"), EXAMPLES)
def test_examples(db: Session, expression: str, expected: object) -> None:
    assert db.value(f"SELECT {expression}") == expected


def test_the_time_is_now(db: Session, name: str) -> None:
    db.run(f"CREATE TABLE {name} (a TIMESTAMP DEFAULT GETDATE(), b TIMESTAMP DEFAULT SYSDATE, c INT)")
    db.run(f"INSERT INTO {name} (c) VALUES (1)")
    assert db.run(
        f"SELECT DATEDIFF(minute, a, GETDATE()) BETWEEN 0 AND 1, ABS(DATEDIFF(s, a, b)) <= 2 FROM {name}"
    ) == [(True, True)]


@pytest.fixture
def sales(db: Session, name: str) -> str:
    db.run(f"CREATE TABLE {name} (day DATE, seller VARCHAR(10), price INT)")
    db.run(
        f"INSERT INTO {name} VALUES ('2021-09-16', 'a', 1), ('2021-09-16', 'b', 5), ('2021-09-17', 'a', 3),"
        " ('2021-09-17', 'c', 2), ('2021-09-17', NULL, 9)"
    )
    return name


def test_qualify_keeps_what_a_window_function_chooses(db: Session, sales: str) -> None:
    best = "ROW_NUMBER() OVER (PARTITION BY day ORDER BY price DESC)"
    expected = [(date(2021, 9, 16), "b", 5), (date(2021, 9, 17), None, 9)]
    assert db.run(f"SELECT * FROM {sales} AS s QUALIFY {best} = 1 ORDER BY day") == expected
    named = f"SELECT day, seller, price, {best} AS place FROM {sales} s WHERE price > 1 QUALIFY place = 1 ORDER BY 1"
    assert [row[:3] for row in db.run(named)] == expected
    db.run(f"CREATE TABLE {sales}_best AS SELECT * FROM {sales} AS s QUALIFY {best} = 1")
    assert db.value(f"SELECT SUM(price) FROM {sales}_best") == 14
    summed = f"SELECT seller FROM {sales} s GROUP BY seller HAVING COUNT(*) > 0"
    assert db.run(f"{summed} QUALIFY RANK() OVER (ORDER BY SUM(price) DESC) = 1") == [(None,)]


def test_listagg(db: Session, sales: str) -> None:
    listed = "LISTAGG(seller, ',') WITHIN GROUP (ORDER BY price DESC)"
    assert db.run(f"SELECT day, {listed} FROM {sales} GROUP BY day ORDER BY day") == [
        (date(2021, 9, 16), "b,a"),
        (date(2021, 9, 17), "a,c"),
    ]
    assert db.value(f"SELECT LISTAGG(DISTINCT seller) WITHIN GROUP (ORDER BY seller) FROM {sales}") == "abc"
    assert db.value(f"SELECT LISTAGG(price, '|') WITHIN GROUP (ORDER BY price) FROM {sales}") == "1|2|3|5|9"


def test_aggregates(db: Session, sales: str) -> None:
    assert db.run(f"SELECT AVG(price), MEDIAN(price), SUM(price), COUNT(seller), MIN(seller) FROM {sales}") == [
        (4, 3, 20, 4, "a")
    ]
    assert db.run(f"SELECT seller FROM {sales} WHERE price > 4 MINUS SELECT 'b'") == [(None,)]


def test_text_is_ordered_by_bytes(db: Session, name: str) -> None:
    db.run(f"CREATE TABLE {name} (a VARCHAR(5))")
    db.run(f"INSERT INTO {name} VALUES ('b'), ('A'), ('_'), ('é'), ('a')")
    assert [row[0] for row in db.run(f"SELECT a FROM {name} ORDER BY a")] == ["A", "_", "a", "b", "é"]
