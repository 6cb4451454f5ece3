"""Clients that do not keep to the protocol, and damaged files: their connection or COPY ends, all others go on."""

from __future__ import annotations

import gzip
import io
import os
import random
import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import closing

import psycopg2
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from psycopg2.extensions import connection, parse_dsn

from services.redshift.wire import SSL_REQUEST, cstring, message, startup_packet
from tests.conftest import S3
from tests.integration.redshift_service.service import ROLE, Service
from tests.support.waiting import wait_until

pytestmark = pytest.mark.integration

VERSION = 3 << 16


@pytest.fixture
def witness(service: Service, database: str) -> Iterator[connection]:
    """A session from before, which goes on, as new ones do; and the service has met nothing that it did not expect."""
    with closing(service.connect(database)) as session:
        yield session
        for each in (session, service.connect(database)):
            with each, each.cursor() as cursor:
                cursor.execute("SELECT 1")
                assert cursor.fetchone() == (1,)
            if each is not session:
                each.close()
        assert service.process.poll() is None
        assert "Traceback" not in service.log.read_text()
        wait_until(lambda: service.sessions(database) == 1, "the end of the sessions")


def answer(raw: socket.socket) -> bytes:
    """All that the server says until it closes the connection."""
    raw.settimeout(30)
    said = b""
    try:
        while data := raw.recv(65536):
            said += data
    except ConnectionResetError:  # it left bytes of ours unread
        pass
    return said


def knock(service: Service, sent: bytes) -> bytes:
    """Send bytes as the first of a connection, and no more."""
    with socket.create_connection(("127.0.0.1", service.port)) as raw:
        raw.sendall(sent)
        raw.shutdown(socket.SHUT_WR)
        return answer(raw)


def greeting(**parameters: str) -> bytes:
    return startup_packet(VERSION, parameters)


STARTUPS = {
    "nothing": (b"", None),
    "half a length": (b"\0\0", None),
    "a length alone": (struct.pack("!II", 100, VERSION), None),
    "no length": (struct.pack("!II", 0, VERSION), "startup packet's length is 0 bytes"),
    "a huge length": (struct.pack("!II", 0xFFFFFFFF, VERSION), "startup packet's length is 4294967295 bytes"),
    "HTTP": (b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", "startup packet's length is 1195725856 bytes"),
    "TLS without asking": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500), "startup packet's length"),
    "TLS after asking": (
        struct.pack("!II", 8, SSL_REQUEST) + b"\x16\x03\x01\x02" + bytes(500),
        "startup packet's length",
    ),
    "version 2": (struct.pack("!II", 296, 2 << 16) + bytes(288), "unsupported frontend protocol 2.0"),
    "version 9": (startup_packet(9 << 16, {"user": "u"}), "unsupported frontend protocol 9.0"),
    "no user": (greeting(database="x"), "no PostgreSQL user name"),
    "no parameters": (greeting(), "no PostgreSQL user name"),
    "a name without a value": (struct.pack("!II", 14, VERSION) + b"user\0\0", "pairs of strings"),
    "no end": (struct.pack("!II", 16, VERSION) + b"user\0joe", "pairs of strings"),
    "no UTF-8": (struct.pack("!II", 16, VERSION) + b"user\0\xff\0\0", "invalid byte sequence"),
    "a cancel request without a key": (struct.pack("!II", 8, 80877102), None),
    "a cancel request of nobody's": (struct.pack("!IIII", 16, 80877102, 1, 2), None),
}


@pytest.mark.parametrize("what", STARTUPS)
def test_a_startup_packet(what: str, service: Service, witness: connection) -> None:
    sent, error = STARTUPS[what]
    said = knock(service, sent)
    if error is None:
        assert said == b""
    else:
        assert error in said.decode(errors="replace")
        assert b"FATAL" in said


@pytest.mark.parametrize("length", [0, 3, 1 << 17, 0xFFFFFFFF])
def test_a_password_of_a_wrong_length(length: int, service: Service, database: str, witness: connection) -> None:
    parts = parse_dsn(database)
    with socket.create_connection(("127.0.0.1", service.port)) as raw:
        raw.sendall(greeting(user=parts["user"], database=parts["dbname"]))
        assert raw.recv(1) == b"R"  # it asks for the password
        raw.sendall(b"p" + struct.pack("!I", length))
        assert f"a message's length is {length} bytes".encode() in answer(raw)


def test_clients_that_say_nothing_keep_nobody_waiting(service: Service, database: str, witness: connection) -> None:
    parts = parse_dsn(database)
    begun = [b"", b"\0\0\0", greeting(user=parts["user"], database=parts["dbname"])]
    silent = [socket.create_connection(("127.0.0.1", service.port)) for _ in range(30)]
    for number, raw in enumerate(silent):
        raw.sendall(begun[number % len(begun)])
    with closing(service.connect(database)) as session, session.cursor() as cursor:
        cursor.execute("SELECT 1")
    for raw in silent:
        raw.close()


def break_off(service: Service, database: str, sent: bytes) -> bytes:
    """Send bytes in a session that has begun well, and no more."""
    with closing(service.connect(database)) as session, socket.socket(fileno=os.dup(session.fileno())) as raw:
        raw.setblocking(True)
        raw.sendall(sent)
        raw.shutdown(socket.SHUT_WR)
        return answer(raw)


VIOLATIONS = {
    "an unknown kind": (message(b"~", b"x"), "there is no message b'~'"),
    "a password again": (message(b"p", b"x\0"), "there is no message b'p'"),
    "length 0": (b"Q\0\0\0\0", "a message's length is 0 bytes"),
    "length 3": (b"Q\0\0\0\3", "a message's length is 3 bytes"),
    "a huge length": (b"Q\xff\xff\xff\xff", "a message's length is 4294967295 bytes"),
    "a query without its end": (message(b"Q", b"SELECT 1"), "does not end"),
    "an empty query message": (message(b"Q"), "does not end"),
    "a query that is no UTF-8": (message(b"Q", b"SELECT '\xff'\0"), "invalid byte sequence"),
    "Parse without SQL": (message(b"P", b"name\0"), "does not end"),
    "Bind without a statement": (message(b"B", b"portal\0"), "does not end"),
    "an empty Describe": (message(b"D"), "does not end"),
    "Execute without a portal": (message(b"E", b"x"), "does not end"),
}


@pytest.mark.parametrize("what", VIOLATIONS)
def test_a_message(what: str, service: Service, database: str, witness: connection) -> None:
    sent, error = VIOLATIONS[what]
    said = break_off(service, database, sent)
    assert error in said.decode(errors="replace")
    assert b"FATAL" in said


@pytest.mark.parametrize("what", ["half a header", "half a body", "no Sync"])
def test_a_client_that_goes_in_the_middle(what: str, service: Service, database: str, witness: connection) -> None:
    parse = message(b"P", cstring("") + cstring("SELECT 1") + b"\0\0")
    break_off(service, database, {"half a header": b"Q\0", "half a body": b"Q\0\0\1\0SEL", "no Sync": parse}[what])


CONVERSATION = b"".join(
    [
        message(b"Q", cstring("SELECT 1; SELECT 'two'")),
        message(b"P", cstring("s") + cstring("SELECT $1::int") + struct.pack("!HI", 1, 23)),
        message(b"D", b"S" + cstring("s")),
        message(b"B", cstring("p") + cstring("s") + struct.pack("!HHI", 0, 1, 1) + b"7" + struct.pack("!H", 0)),
        message(b"E", cstring("p") + struct.pack("!I", 0)),
        message(b"C", b"P" + cstring("p")),
        message(b"S"),
        message(b"Q", cstring("COPY nowhere FROM 's3://no-bucket/x' IAM_ROLE DEFAULT CSV")),
    ]
)


@pytest.mark.parametrize("seed", range(4))
def test_conversations_with_random_damage(seed: int, service: Service, database: str, witness: connection) -> None:
    chance = random.Random(seed)
    for _ in range(15):
        damaged = bytearray(CONVERSATION)
        for _ in range(chance.randint(1, 4)):
            at = chance.randrange(len(damaged))
            if chance.random() < 0.3:
                del damaged[at : at + chance.randint(1, 9)]
            else:
                damaged[at] = chance.randrange(256)
        break_off(
            service, database, bytes(damaged[: chance.randint(1, len(damaged))] if chance.random() < 0.3 else damaged)
        )


def as_parquet(rows: list[tuple[int, str]]) -> bytes:
    file = io.BytesIO()
    pq.write_table(pa.table({"a": pa.array([a for a, _ in rows], pa.int32()), "b": [b for _, b in rows]}), file)
    return file.getvalue()


def as_csv(rows: list[tuple[int, str]]) -> bytes:
    return "".join(f"{a},{b}\n" for a, b in rows).encode()


FILES: dict[str, Callable[[list[tuple[int, str]]], bytes]] = {
    "CSV": as_csv,
    "CSV GZIP": lambda rows: gzip.compress(as_csv(rows)),
    "CSV ZSTD": lambda rows: zstandard.compress(as_csv(rows)),
    "FORMAT AS PARQUET": as_parquet,
}


@pytest.mark.parametrize("options", FILES)
def test_files_with_random_damage(options: str, service: Service, database: str, s3: S3, witness: connection) -> None:
    whole = FILES[options]([(number, f"text {number}") for number in range(500)])
    bucket, chance = s3.fresh_bucket("damage"), random.Random(7)
    refused: list[str] = []
    with witness.cursor() as cursor:
        cursor.execute("CREATE TABLE t (a INT, b VARCHAR(20))")
        for _ in range(25):
            damaged = bytearray(whole)
            for _ in range(chance.randint(1, 5)):
                damaged[chance.randrange(len(damaged))] = chance.randrange(256)
            s3.client().put_object(Bucket=bucket, Key="f", Body=bytes(damaged))
            cursor.execute("DELETE FROM t")
            try:
                cursor.execute(f"COPY t FROM 's3://{bucket}/f' IAM_ROLE '{ROLE}' {options}")
            except psycopg2.errors.InternalError_ as error:
                refused.append(str(error))
                cursor.execute("SELECT COUNT(*) FROM t")
                assert cursor.fetchone() == (0,)
    assert len(refused) > 5
    assert [error for error in refused if "internal error of the service" in error] == []
