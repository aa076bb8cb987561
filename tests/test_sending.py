"""Headers leave together with what follows them."""

import json
import socket

import pytest

from console.sending import Joined
from tests.served import served

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
HEADERS = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"


class Recorder:
    """A socket that notes what is sent at once."""

    def __init__(self):
        self.sent = []

    def sendall(self, data):
        self.sent.append(data)

    def sendfile(self, file):
        self.sent.append(b"file " + file)


@pytest.fixture
def inner():
    return Recorder()


@pytest.fixture
def joined(inner):
    return Joined(inner)


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
        joined = Joined(ours)
        assert joined.fileno() == ours.fileno()
        joined.sendall(HEADERS)
        joined.sendall(b"{}")
        assert theirs.recv(100) == HEADERS + b"{}"


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
