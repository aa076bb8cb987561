"""Headers leave together with what follows them."""

import gzip
import json
import random
import socket
import threading
from http import HTTPStatus
from types import SimpleNamespace

import pytest

from console.http.joined_socket import HeaderBufferingSocket
from console.server import gunicorn_worker
from console.server.request_reader import RequestReader
from sharing.enforcement.access_gone import AccessGone
from tests.support.served import served

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
HEADERS = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"


class Recorder:
    """A socket that notes what is sent at once."""

    def __init__(self):
        self.sent = []

    def sendall(self, data):
        self.sent.append(data)

    def sendfile(self, file, offset, count):
        self.sent.append(b"file " + file)


@pytest.fixture
def inner():
    return Recorder()


@pytest.fixture
def joined(inner):
    return HeaderBufferingSocket(inner)


def test_headers_wait_for_the_first_bytes(inner, joined):
    joined.sendall(HEADERS)
    assert inner.sent == []
    joined.sendall(b"{}")
    joined.sendall(b"more\r\n\r\n")
    joined.flush()
    assert inner.sent == [HEADERS + b"{}", b"more\r\n\r\n"]


def test_headers_that_nothing_follows_are_flushed_once(inner, joined):
    joined.sendall(HEADERS)
    joined.flush()
    joined.flush()
    assert inner.sent == [HEADERS]


def test_a_body_that_looks_like_headers_is_not_held(inner, joined):
    joined.sendall(HEADERS)
    joined.sendall(b"a\r\n\r\n")
    assert inner.sent == [HEADERS + b"a\r\n\r\n"]


def test_whatever_else_is_done_comes_after_the_headers(inner, joined):
    joined.sendall(HEADERS)
    joined.sendfile(b"f")
    assert inner.sent == [HEADERS, b"file f"]


def test_an_interim_answer_is_sent_at_once_and_the_headers_still_wait(inner, joined):
    joined.sendall(CONTINUE)
    joined.sendall(HEADERS)
    joined.sendall(b"{}")
    assert inner.sent == [CONTINUE, HEADERS + b"{}"]


def test_a_large_body_is_not_copied(inner, joined):
    body = bytes(100_000)
    joined.sendall(HEADERS)
    joined.sendall(body)
    assert inner.sent == [HEADERS, body]


def test_it_is_a_socket_to_whoever_looks():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        joined = HeaderBufferingSocket(ours)
        assert joined.fileno() == ours.fileno()
        joined.sendall(HEADERS)
        joined.sendall(b"{}")
        assert theirs.recv(100) == HEADERS + b"{}"


@pytest.fixture
def slow():
    """A connection whose client does not read by itself."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield HeaderBufferingSocket(ours), theirs


class Judge:
    """Lets an answer go on so many times; always where that is negative."""

    def __init__(self, times):
        self.times = times

    def keep_on(self):
        if self.times == 0:
            raise AccessGone
        self.times -= 1


def read_all(joined, theirs, size):
    """Read so many bytes, and have more sent meanwhile."""
    arrived = bytearray()
    while len(arrived) < size:
        joined.drain()
        arrived += theirs.recv(100_000)
    return bytes(arrived)


@pytest.mark.parametrize("held", [b"", HEADERS])
def test_a_client_that_does_not_read_is_not_waited_for(slow, held):
    joined, theirs = slow
    body = random.Random(2).randbytes(10_000_000)
    if held:
        joined.sendall(held)
    joined.sendall(body)
    joined.sendall(b"end")
    assert joined.is_behind
    assert joined.kept_bytes > 1_000_000
    assert not joined.drain(0.01)
    assert read_all(joined, theirs, len(held) + len(body) + 3) == held + body + b"end"
    assert (joined.is_behind, joined.kept_bytes, joined.drain()) == (False, 0, True)


def test_an_answer_ends_while_its_client_reads_slowly(slow):
    joined, theirs = slow
    joined.watch(Judge(2))
    joined.sendall(bytes(10_000_000))
    with pytest.raises(AccessGone):
        read_all(joined, theirs, 10_000_000)


def test_a_file_ends_while_its_client_reads_slowly(slow, tmp_path):
    joined, theirs = slow
    (tmp_path / "file").write_bytes(bytes(10_000_000))
    joined.watch(Judge(2))
    with (tmp_path / "file").open("rb") as file:
        joined.sendfile(file, 0, 10_000_000)
        assert joined.kept_bytes == 0
        with pytest.raises(AccessGone):
            read_all(joined, theirs, 10_000_000)
    assert joined.gettimeout() is None


@pytest.mark.parametrize("count", [None, 0, 1, 1_999_000, 3_000_000])
def test_what_is_watched_arrives_whole(slow, tmp_path, count):
    joined, theirs = slow
    body = random.Random(2).randbytes(2_000_000)
    (tmp_path / "file").write_bytes(body)
    joined.watch(Judge(-1))
    arrived = bytearray()

    def read():
        while piece := theirs.recv(100_000):
            arrived.extend(piece)

    reader = threading.Thread(target=read)
    reader.start()
    with (tmp_path / "file").open("rb") as file:
        sent = joined.sendfile(file, 1000, count)
        joined.sendall(body)
        assert joined.drain(30)
    joined.shutdown(socket.SHUT_WR)
    reader.join(30)
    expected = body[1000:] if count is None else body[1000 : 1000 + count]
    assert sent == len(expected)
    assert bytes(arrived) == expected + body


@pytest.fixture(scope="module")
def judged(tmp_path_factory):
    """A server that judges again before every piece, with a record that is larger than what a network holds."""
    with served(
        tmp_path_factory.mktemp("data"), ("ada", "ben"), settings="tests.support.reauthorize_settings"
    ) as server:
        store = json.loads(server.request("POST", "/v2/key-value-stores?name=files").read())["data"]["id"]
        path = f"/v2/key-value-stores/{store}"
        server.request("PUT", path, json.dumps({"generalAccess": "RESTRICTED"})).read()
        body = random.Random(3).randbytes(30_000_000)
        assert server.request("PUT", f"{path}/records/PLAIN", body, Content_Type="image/png").status == 201
        packed = gzip.compress(body, 1)
        headers = {"Content_Type": "image/png", "Content_Encoding": "gzip"}
        assert server.request("PUT", f"{path}/records/PACKED", packed, **headers).status == 201
        yield server, path


@pytest.mark.parametrize("version", ["1.1", "1.0"])
@pytest.mark.parametrize("what", ["records/PLAIN", "records/PACKED", "records"])
def test_a_client_sees_that_an_answer_broke_off(judged, what, version):
    """A length that is not reached, chunks without the last one, or where neither is there, a reset."""
    server, path = judged
    right = f"{path}/access-rights/ben"
    assert server.request("PUT", right, json.dumps({"permissions": ["READ"]})).status == 200
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as client:
        lines = [
            f"GET {path}/{what} HTTP/{version}",
            "Host: localhost",
            f"Authorization: Bearer {server.tokens['ben']}",
        ]
        client.sendall("\r\n".join([*lines, "", ""]).encode())
        begun = client.recv(1000)
        assert begun.startswith(f"HTTP/{version} 200 OK".encode())
        assert server.request("DELETE", right).status == 204
        arrived, is_reset = bytearray(begun), False
        try:
            while piece := client.recv(1_000_000):
                arrived += piece
        except ConnectionResetError:
            is_reset = True
    assert len(arrived) < 30_000_000
    assert not arrived.endswith(b"\r\n0\r\n\r\n")
    assert is_reset is (version == "1.0")


def test_a_client_that_waits_to_go_on_is_told_to(tmp_path):
    with served(tmp_path, ("ada",)) as server:
        made = json.loads(server.request("POST", "/v2/datasets").read())["data"]["id"]
        body = b'[{"n": 1}]'
        lines = [f"POST /v2/datasets/{made}/items HTTP/1.1", "Host: localhost", f"Content-Length: {len(body)}"]
        lines += [f"Authorization: Bearer {server.tokens['ada']}", "Expect: 100-continue", "", ""]
        with socket.create_connection(("127.0.0.1", server.port), timeout=30) as client:
            client.sendall("\r\n".join(lines).encode())
            assert client.recv(100) == CONTINUE
            client.sendall(body)
            assert client.recv(100).startswith(b"HTTP/1.1 201 Created\r\n")


@pytest.mark.parametrize("status", list(gunicorn_worker._ERRORS))
@pytest.mark.parametrize(("path", "is_json"), [("/v2/datasets", True), ("/sign-in", False)])
def test_what_is_answered_without_a_thread_says_why_as_the_api_does(status, path, is_json):
    ours, theirs = socket.socketpair()
    reader = RequestReader()
    reader.add(f"POST {path} HTTP/1.1\r\nContent-Length: 900000\r\n\r\n".encode())
    with ours, theirs:
        gunicorn_worker._answer(SimpleNamespace(sock=ours, reader=reader), status)
        lines, _, body = theirs.recv(2000).decode().partition("\r\n\r\n")
    assert lines.startswith(f"HTTP/1.1 {status} ")
    assert f"Content-Length: {len(body)}" in lines
    assert ("Retry-After: 30" in lines) is (status == HTTPStatus.SERVICE_UNAVAILABLE)
    if is_json:
        assert json.loads(body)["error"].keys() == {"type", "message"}
    else:
        assert body.endswith(".\n")
