"""What is made of a request before a thread has it, against what gunicorn makes of the same bytes."""

import pytest
from gunicorn.config import Config
from gunicorn.http.body import EOFReader
from gunicorn.http.errors import ParseException
from gunicorn.http.message import Request
from gunicorn.http.unreader import IterUnreader

from console.server.request_reader import Progress, RequestReader

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
