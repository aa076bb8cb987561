"""Headers leave together with what follows them, and never late."""

import socket

import pytest

from console.sending import Joined

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


def test_what_is_not_headers_is_sent_at_once(inner, joined):
    joined.sendall(b"HTTP/1.1 100 Continue")
    assert inner.sent == [b"HTTP/1.1 100 Continue"]


def test_it_is_a_socket_to_whoever_looks():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        joined = Joined(ours)
        assert joined.fileno() == ours.fileno()
        joined.sendall(HEADERS)
        joined.sendall(b"{}")
        assert theirs.recv(100) == HEADERS + b"{}"
