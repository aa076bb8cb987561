"""What becomes of requests when the server is told to end: they finish, get a 503, or break off so that it is seen."""

import json
import os
import signal
import socket
import time
from http.client import HTTPConnection

import pytest

from tests.support.served import served

GRACE = 6
RECEIVE_BUFFER = 4096


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.setenv("WEB_GRACE_SECS", str(GRACE))
    with served(tmp_path, ("ada",)) as running:
        yield running


def make(run, kind):
    response = run.request("POST", f"/v2/{kind}")
    return json.loads(response.read())["data"]["id"]


def begin(run, path, body, sent):
    """Send the head of a POST, and so many bytes of its body."""
    connection = HTTPConnection("127.0.0.1", run.port, timeout=60)
    connection.putrequest("POST", path)
    connection.putheader("Authorization", f"Bearer {run.tokens['ada']}")
    connection.putheader("Content-Type", "application/json")
    connection.putheader("Content-Length", str(len(body)))
    connection.endheaders(body[:sent])
    return connection


def test_a_push_finishes_or_is_a_503_and_is_not_kept(run):
    whole, never = make(run, "datasets"), make(run, "datasets")
    body = json.dumps([{"text": "a" * 1000} for _ in range(6000)]).encode()
    finishing = begin(run, f"/v2/datasets/{whole}/items", body, 100_000)
    hanging = begin(run, f"/v2/datasets/{never}/items", body, 100_000)
    for connection in (finishing, hanging):  # more than all buffers on the way hold, so that a thread reads it
        connection.sock.sendall(body[100_000:-100_000])
    begun_at = time.monotonic()
    run.process.send_signal(signal.SIGTERM)
    finishing.sock.sendall(body[-100_000:])
    assert finishing.getresponse().status == 201
    response = hanging.getresponse()
    assert (response.status, response.headers["Retry-After"]) == (503, "2")
    assert json.loads(response.read())["error"]["type"] == "service-unavailable"
    assert time.monotonic() - begun_at < GRACE
    assert run.process.wait(GRACE + 5) == 0


def test_an_export_that_is_not_read_in_time_breaks_off_so_that_it_is_seen(run):
    dataset = make(run, "datasets")
    items = json.dumps([{"text": os.urandom(500).hex()} for _ in range(8000)]).encode()
    for _ in range(3):
        assert (
            run.request("POST", f"/v2/datasets/{dataset}/items", items, Content_Type="application/json").status == 201
        )
    versions = ("HTTP/1.1", "HTTP/1.0")
    readers = [start_reading(run, f"/v2/datasets/{dataset}/items?format=csv", version) for version in versions]
    run.process.send_signal(signal.SIGTERM)
    assert run.process.wait(GRACE + 10) == 0
    for reader in readers:
        with pytest.raises(ConnectionResetError):
            read_to_its_end(reader)


def read_to_its_end(reader):
    while reader.recv(1_000_000):
        pass


def start_reading(run, path, version):
    """Ask for an answer, and read its beginning through a small window."""
    reader = socket.socket()
    reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
    reader.settimeout(60)
    reader.connect(("127.0.0.1", run.port))
    token = run.tokens["ada"]
    reader.sendall(f"GET {path} {version}\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\r\n".encode())
    assert b" 200 " in reader.recv(15)
    return reader
