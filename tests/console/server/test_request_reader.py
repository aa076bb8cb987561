"""What is made of a request before a thread has it, against what gunicorn makes of the same bytes."""

import socket

import pytest
from gunicorn.config import Config
from gunicorn.http.body import EOFReader
from gunicorn.http.errors import ParseException
from gunicorn.http.message import Request
from gunicorn.http.unreader import IterUnreader

from console.server import request_reader
from console.server.request_reader import READ_AHEAD, PacedUnreader, Progress, RequestReader, TooSlow

LENGTHS = [
    "0",
    "1",
    "5",
    "05",
    "00",
    "100",
    "65536",
    "65537",
    "1000000",
    "000000000000000100",
    "0000000000000000100",
    "00000000000000000000100",
    "100000000000000000",
    "1000000000000000000",
    "10000000000000000000000",
    "+5",
    "-5",
    "0x5",
    "5,5",
    "5.0",
    "5e1",
    "1_0",
    "\N{ARABIC-INDIC DIGIT FIVE}",
    "²",
    "five",
]
FIELDS = [
    [],
    *([f"Content-Length: {length}"] for length in LENGTHS),
    ["Content-Length: " + "0" * 4295 + "100"],
    ["Content-Length: " + "0" * 4400 + "100"],
    ["Content-Length:"],
    ["Content-Length: 5 5"],
    ["Content-Length: 5, 5"],
    ["Content-Length: 5\r"],
    ["Content-Length: 5\x0b"],
    ["Content-Length: \t 100 \t "],
    ["cOnTeNt-LeNgTh:100"],
    ["Content-Length : 100"],
    ["Content-Length:", " 100"],
    ["X-Other: y", " Content-Length: 100"],
    ["X-Other: y\nContent-Length: 100"],
    ["Content_Length: 100"],
    ["Content-Length: 100", "Content-Length: 100"],
    ["Content-Length: 0", "Content-Length: 100"],
    ["Content-Length: 100", "Content-Length: 0"],
    ["Transfer-Encoding: chunked"],
    ["Transfer-Encoding: CHUNKED"],
    ["Transfer-Encoding: gzip, chunked"],
    ["Transfer-Encoding: identity"],
    ["Transfer-Encoding:\tchunked"],
    ["Transfer-Encoding : chunked"],
    ["Transfer-Encoding: identity", "Transfer-Encoding: chunked"],
    ["Transfer-Encoding: chunked", "Content-Length: 5"],
    ["Content-Length: 5", "Transfer-Encoding: chunked"],
    ["Transfer-Encoding: identity", "Content-Length: 100"],
    ["Expect: 100-continue", "Content-Length: 100"],
    ["Content-Length: 100", "Expect: 100-continue"],
    ["Expect: 100-continue"],
]


def make_head(fields):
    return "\r\n".join(["POST / HTTP/1.1", "Host: localhost", *fields, "", ""]).encode("utf-8")


def is_body_awaited(head):
    """Tell whether gunicorn takes the request and waits for a body after it."""
    try:
        request = Request(Config(), IterUnreader([head]), ("192.0.2.1", 5000))
    except ParseException:
        return False
    reader = request.body.reader
    return not isinstance(reader, EOFReader) and getattr(reader, "length", 1) > 0


@pytest.mark.parametrize("fields", FIELDS, ids=lambda fields: ascii(" | ".join(fields))[:60])
def test_no_body_that_is_still_to_come_is_taken_for_none(fields):
    head = make_head(fields)
    reader = RequestReader()
    reader.add(head)
    assert reader.progress(8190) in ((Progress.MORE, Progress.LARGE) if is_body_awaited(head) else set(Progress))


@pytest.mark.parametrize("length", ["+5", "5,5", "", "five", "0x5"])
def test_a_length_that_is_none_is_malformed(length):
    reader = RequestReader()
    reader.add(make_head([f"Content-Length: {length}"]))
    assert reader.progress(8190) is Progress.MALFORMED


CHUNKED = make_head(["Transfer-Encoding: chunked"])
CHUNKS = [
    b"0\r\n\r\n",
    b"5\r\nabcde\r\n0\r\n\r\n",
    b"A;name=value\r\n" + b"0\r\n\r\n12345" + b"\r\n00\r\nX-Some: x\r\nOther: y\r\n\r\n",
    b"1\r\na\r\n" * 50 + b"0\r\n\r\n",
]


@pytest.mark.parametrize("chunks", CHUNKS)
def test_chunks_are_whole_where_gunicorn_reads_no_further(chunks):
    reader = RequestReader()
    reader.add(CHUNKED)
    for at in range(len(chunks)):
        assert reader.progress(8190) is Progress.MORE
        reader.add(chunks[at : at + 1])
    assert reader.progress(8190) is Progress.READY

    def come():
        yield bytes(reader.data)
        raise AssertionError("It reads further.")

    Request(Config(), IterUnreader(come()), ("192.0.2.1", 5000)).body.read()


@pytest.mark.parametrize("chunks", [b"x\r\n", b"-1\r\n", b"\r\n", b"1" * 9000, b"5" * 17 + b"\r\n"])
def test_chunks_that_are_none_are_left_to_a_thread_that_has_a_place(chunks):
    reader = RequestReader()
    reader.add(CHUNKED + chunks)
    assert reader.progress(8190) is Progress.LARGE


@pytest.mark.parametrize(
    ("head", "begun"),
    [(make_head([f"Content-Length: {2 * READ_AHEAD}"]), b""), (CHUNKED, f"{2 * READ_AHEAD:x}\r\n".encode())],
)
def test_much_of_a_large_body_comes_before_it_needs_a_place(head, begun):
    reader = RequestReader()
    reader.add(head + begun + bytes(READ_AHEAD - len(begun) - 1))
    assert reader.progress(8190) is Progress.MORE
    reader.add(b"x")
    assert reader.progress(8190) is Progress.LARGE


@pytest.mark.parametrize(("version", "awaits"), [("1.1", True), ("1.0", False)])
def test_a_client_that_waits_to_go_on_is_seen(version, awaits):
    reader = RequestReader()
    reader.add(
        make_head(["Expect: 100-continue", "Content-Length: 5"]).replace(b"HTTP/1.1", f"HTTP/{version}".encode())
    )
    assert reader.progress(8190) is Progress.MORE
    assert reader.awaits_continue is awaits


def test_the_client_that_a_proxy_names_is_the_last_one():
    reader = RequestReader()
    reader.add(
        make_head(["X-Forwarded-For: 192.0.2.9", "x-forwarded-for: 192.0.2.8, 192.0.2.7"]) + b"\r\nX-Forwarded-For: 1"
    )
    assert reader.forwarded_for() == "192.0.2.7"
    other = RequestReader()
    other.add(make_head([]))
    assert other.forwarded_for() == ""


@pytest.fixture
def slow(monkeypatch):
    """A client, and what reads its body."""
    monkeypatch.setattr(request_reader, "_PRESSED_SECONDS", 0.05)
    monkeypatch.setattr(request_reader, "_SLICE_SECONDS", 0.01)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield theirs, PacedUnreader(ours)


def test_a_slow_body_ends_while_others_wait_for_its_place(slow):
    client, unreader = slow
    unreader.begin(b"", lambda: True)
    client.send(b"x")
    assert unreader.chunk() == b"x"
    with pytest.raises(TooSlow):
        unreader.chunk()


def test_a_slow_body_goes_on_while_nobody_waits(slow):
    client, unreader = slow
    asked = []

    def is_pressed():
        asked.append(True)
        if len(asked) == 3:
            client.send(b"x")
        return False

    unreader.begin(b"", is_pressed)
    assert unreader.chunk() == b"x"
    assert len(asked) == 3
