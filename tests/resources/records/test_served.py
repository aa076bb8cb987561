"""Records on gunicorn: what memory they need, and what a client or a server that breaks off leaves."""

import gzip
import hashlib
import io
import json
import random
import threading
import zipfile
from collections.abc import Iterator
from http.client import HTTPException
from pathlib import Path

import pytest

from resources.records.directory import IDENTITY_FILE
from tests.support.served import Served, served

MEGABYTE = 2**20
BLOCK = random.Random(7).randbytes(MEGABYTE)
MEGABYTES = 256
GIGABYTE = 1024 * MEGABYTE
MOST_MEMORY = 64 * MEGABYTE
KILLS = 10


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("data"), ("ada",)) as run:
        yield run


@pytest.fixture
def store(server) -> Iterator[str]:
    """Return the path of an empty store, and delete it afterwards."""
    made = json.loads(server.request("POST", "/v2/key-value-stores").read())["data"]
    path = f"/v2/key-value-stores/{made['id']}"
    yield path
    server.request("DELETE", path).read()


def blocks(count: int = MEGABYTES) -> Iterator[bytes]:
    for number in range(count):
        yield number.to_bytes(8, "big") + BLOCK[8:]


def digest(pieces) -> str:
    whole = hashlib.sha256()
    for piece in pieces:
        whole.update(piece)
    return whole.hexdigest()


def pieces_of(answer) -> Iterator[bytes]:
    while piece := answer.read(MEGABYTE):
        yield piece


def files(server: Served) -> list[Path]:
    found = (server.data / "records").rglob("*")
    return [path for path in found if path.is_file() and path.name != IDENTITY_FILE]


def test_a_client_that_breaks_off_leaves_nothing(server, store):
    path = f"{store}/records/KEY"
    assert server.request("PUT", path, b"old", Content_Type="text/plain").status == 201
    before = files(server)
    connection = server.connect()
    connection.putrequest("PUT", path)
    for name, value in (("Authorization", f"Bearer {server.tokens['ada']}"), ("Content-Length", "100000000")):
        connection.putheader(name, value)
    connection.endheaders(BLOCK)
    connection.close()
    # The only worker answers the next one in turn; what the other left is gone when its thread is done.
    while files(server) != before:
        server.request("GET", f"{store}/keys").read()
    assert server.request("GET", path).read() == b"old"


def test_memory_does_not_grow_with_a_record_of_a_gigabyte(server, store):
    for number in range(20):
        server.request("PUT", f"{store}/records/warm-{number % 2}", BLOCK[:1000]).read()
        server.request("GET", f"{store}/records/warm-{number % 2}").read()
    before = server.peak_memory()
    sent = server.request("PUT", f"{store}/records/KEY", blocks(1024), Content_Length=str(GIGABYTE))
    assert sent.status == 201
    answer = server.request("GET", f"{store}/records/KEY")
    assert answer.headers["Content-Length"] == str(GIGABYTE)
    assert digest(pieces_of(answer)) == digest(blocks(1024))
    part = server.request("GET", f"{store}/records/KEY", Range=f"bytes={100 * MEGABYTE}-{200 * MEGABYTE - 1}")
    assert part.status == 206
    assert digest(pieces_of(part)) == digest(list(blocks())[100:200])
    assert server.peak_memory() - before < MOST_MEMORY


def test_memory_does_not_grow_with_what_is_unpacked_or_archived(server, store):
    packed = gzip.compress(bytes(MEGABYTES * MEGABYTE), 1)
    server.request("PUT", f"{store}/records/packed", packed, Content_Encoding="gzip").read()
    server.request("PUT", f"{store}/records/large", blocks(32), Content_Length=str(32 * MEGABYTE)).read()
    before = server.peak_memory()
    assert sum(map(len, pieces_of(server.request("GET", f"{store}/records/packed")))) == MEGABYTES * MEGABYTE
    archive = zipfile.ZipFile(io.BytesIO(server.request("GET", f"{store}/records").read()))
    assert {entry.filename: entry.file_size for entry in archive.infolist()} == {
        "large": 32 * MEGABYTE,
        "packed": MEGABYTES * MEGABYTE,
    }
    with archive.open("large") as large:
        assert digest(iter(lambda: large.read(MEGABYTE), b"")) == digest(blocks(32))
    assert server.peak_memory() - before < MOST_MEMORY


def test_a_body_whose_length_nobody_knows(server, store):
    sent = server.request("PUT", f"{store}/records/KEY", iter([b"one ", b"two"]), Content_Type="text/plain")
    assert sent.status == 201
    assert server.request("GET", f"{store}/records/KEY").read() == b"one two"


def test_head_and_conditions_leave_the_connection_in_order(server, store):
    server.request("PUT", f"{store}/records/KEY", BLOCK).read()
    connection, path = server.connect(), f"{store}/records/KEY"
    token = {"Authorization": f"Bearer {server.tokens['ada']}"}

    def ask(method: str, body: bytes | None = None, **headers: str):
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body, token | named)
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()

    status, headers, body = ask("HEAD")
    assert (status, headers["Content-Length"], body) == (200, str(MEGABYTE), b"")
    assert ask("GET", If_None_Match=headers["ETag"])[::2] == (304, b"")
    assert ask("PUT", BLOCK, If_None_Match="*")[0] == 412
    assert ask("GET", Range="bytes=-10")[::2] == (206, BLOCK[-10:])
    assert ask("GET", Range=f"bytes={MEGABYTE}-")[0] == 416
    assert ask("GET")[::2] == (200, BLOCK)
    assert ask("DELETE")[::2] == (204, b"")
    assert ask("PUT", BLOCK, Content_Encoding="zstd")[0] == 415


class Writer(threading.Thread):
    """Writes three records again and again, each time with a higher number, and keeps what was acknowledged."""

    def __init__(self, server: Served, store: str, name: str) -> None:
        super().__init__()
        self.server, self.store, self.who = server, store, name
        self.acknowledged: dict[str, int] = {}
        self.count = 0
        self.stop = threading.Event()

    def run(self) -> None:
        number = 0
        while not self.stop.is_set():
            number += 1
            key = f"{self.who}-{number % 3}"
            try:
                status = self.server.request("PUT", f"{self.store}/records/{key}", content(number)).status
            except (OSError, HTTPException):
                continue
            if status == 201:
                self.acknowledged[key] = number
                self.count += 1


def content(number: int) -> bytes:
    return b"%08d" % number * 30_000


def test_what_was_acknowledged_is_there_after_kill_9(server, store):
    """Each record is the last one that was acknowledged, or a later one whose answer was cut off."""
    writers = [Writer(server, store, name) for name in "abc"]
    for writer in writers:
        writer.start()
    for _ in range(KILLS):
        goals = {writer: writer.count + 10 for writer in writers}
        for writer in writers:
            while writer.is_alive() and writer.count < goals[writer]:
                writer.join(0.01)
        server.kill_workers()
    for writer in writers:
        writer.stop.set()
        writer.join()

    acknowledged = {key: number for writer in writers for key, number in writer.acknowledged.items()}
    assert len(acknowledged) == 9
    for key, number in acknowledged.items():
        body = server.request("GET", f"{store}/records/{key}").read()
        assert body == content(int(body[:8]))
        assert int(body[:8]) in (number, number + 3)
    listed = json.loads(server.request("GET", f"{store}/keys").read())["data"]["items"]
    stats = json.loads(server.request("GET", store).read())["data"]["stats"]
    assert stats["storageBytes"] == sum(item["size"] for item in listed)
    server.environment["RECORDS_WAIT_HOURS"] = "1e-9"
    server.manage("clean_records", "--older-than", "0")
    assert len(files(server)) == len(listed)
