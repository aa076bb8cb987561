"""Clients that send or read slowly, through gunicorn: they get their deadline, and others do not notice them."""

import json
import select
import socket
import time
from contextlib import contextmanager

import pytest

from tests.support.served import served

PATIENCE = 1.0
MANY = 60


@contextmanager
def serving(directory, seconds):
    """Serve as it is shipped, but for the seconds that clients have for their headers."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WEB_HEADER_SECS", seconds)
        with served(directory, ("ada",)) as server:
            yield server


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A server that waits for slow clients for a moment only."""
    with serving(tmp_path_factory.mktemp("data"), "0.5") as server:
        yield server


@pytest.fixture(scope="module")
def patient(tmp_path_factory):
    """A server that waits for slow clients for longer than any test lasts."""
    with serving(tmp_path_factory.mktemp("data"), "120") as server:
        yield server


@pytest.fixture(scope="module")
def large(server):
    """The path of a record that is larger than what a network holds."""
    store = json.loads(server.request("POST", "/v2/key-value-stores").read())["data"]["id"]
    path = f"/v2/key-value-stores/{store}/records/LARGE"
    assert server.request("PUT", path, bytes(30_000_000), Content_Type="image/png").status == 201
    return path


@pytest.fixture
def connect(server):
    opened = []

    def connect(data=b"", port=None):
        client = socket.create_connection(("127.0.0.1", port or server.port), timeout=30)
        client.sendall(data)
        opened.append(client)
        return client

    yield connect
    for client in opened:
        client.close()


def head(server, method="POST", path="/v2/datasets", *lines):
    return "\r\n".join(
        [
            f"{method} {path} HTTP/1.1",
            "Host: localhost",
            f"Authorization: Bearer {server.tokens['ada']}",
            *lines,
            "",
            "",
        ]
    ).encode()


def read(client):
    """Return all that comes until the server closes the connection."""
    arrived = bytearray()
    try:
        while piece := client.recv(65536):
            arrived += piece
    except ConnectionResetError:
        pass
    return bytes(arrived)


def assert_others_are_answered(server):
    for path in ("/healthz", "/v2/users/me"):
        begun_at = time.monotonic()
        assert server.request("GET", path).status == 200
        assert time.monotonic() - begun_at < PATIENCE


# Who is refused


def test_headers_that_trickle_have_a_deadline(connect, server):
    assert read(connect(head(server)[:-10])).startswith(b"HTTP/1.1 408 ")


def test_a_small_body_that_trickles_has_a_deadline(connect, server):
    assert read(connect(head(server, "POST", "/v2/datasets", "Content-Length: 100") + b"{")).startswith(
        b"HTTP/1.1 408 "
    )


@pytest.mark.parametrize("length", ["Content-Length: 1000000", "Transfer-Encoding: chunked"])
def test_a_large_body_has_a_lowest_rate(connect, server, length):
    made = json.loads(server.request("POST", "/v2/datasets").read())["data"]["id"]
    answer = read(connect(head(server, "POST", f"/v2/datasets/{made}/items", length)))
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"operation-timed-out" in answer


def test_headers_have_a_largest_size(connect, server):
    lines = [f"X-{number}: {'x' * 8000}" for number in range(10)]
    assert read(connect(head(server, "GET", "/v2/users/me", *lines))).startswith(b"HTTP/1.1 431 ")


@pytest.mark.parametrize(("request_line", "status"), [(b"GET /\nHost: x", 400), (b"GET /" + b"x" * 9000, 414)])
def test_what_is_wrong_is_said_before_it_ends(connect, request_line, status):
    assert read(connect(request_line)).startswith(f"HTTP/1.1 {status} ".encode())


# What else there is to see


def test_a_request_may_come_in_any_pieces(connect, server):
    whole = head(server, "POST", "/v2/datasets", "Content-Length: 2") + b"{}"
    client = connect()
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for at in range(len(whole)):
        client.sendall(whole[at : at + 1])
    assert client.recv(100).startswith(b"HTTP/1.1 201 ")


def test_requests_that_come_at_once_are_answered_in_turn(connect, server):
    first, second = (
        head(server, "POST", "/v2/datasets", "Content-Length: 2") + b"{}",
        head(server, "GET", "/v2/users/me"),
    )
    client = connect(first + second + second[:20])
    client.sendall(second[20:-1])
    client.sendall(second[-1:])
    arrived = b""
    while arrived.count(b"HTTP/1.1 200 ") < 2 or not arrived.endswith(b"}}"):
        arrived += client.recv(65536)
    assert arrived.startswith(b"HTTP/1.1 201 ")


def test_silent_connections_hold_no_thread(connect, server):
    for _ in range(MANY):
        connect()
    assert_others_are_answered(server)


def test_headers_that_trickle_hold_no_thread(connect, server):
    for _ in range(MANY):
        connect(b"GET /v2/users/me HTTP/1.1\r\nHos")
    assert_others_are_answered(server)


@pytest.mark.parametrize(
    "lines", [["Content-Length: 1e3"], ["Content-Length: 5", "Content-Length: 5"], ["Content-Length: +5"]]
)
def test_a_body_whose_end_is_not_clear_is_refused(connect, server, lines):
    assert read(connect(head(server, "POST", "/v2/datasets", *lines) + b"{")).startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize("length", [100, 1_000_000, "00000000000000000000100"])
def test_bodies_that_trickle_leave_threads_for_others(connect, server, length):
    for _ in range(MANY):
        connect(head(server, "POST", "/v2/datasets", f"Content-Length: {length}") + b"{")
    assert_others_are_answered(server)


def test_answers_that_are_not_read_hold_no_thread(connect, server, large):
    clients = [connect(head(server, "GET", large)) for _ in range(MANY)]
    assert_others_are_answered(server)
    arrived = clients[0].recv(65536)
    while len(arrived) < 30_000_000:
        arrived += clients[0].recv(1_000_000)
    assert arrived.startswith(b"HTTP/1.1 200 ")


def test_connections_that_the_client_does_not_close_hold_up_nobody(connect, server):
    for _ in range(MANY):
        connect(head(server, "GET", "/v2/users/me", "Connection: close"))
    assert_others_are_answered(server)


def assert_are_waited_for(clients):
    assert select.select(clients, [], [], 0)[0] == []  # neither an answer nor an end has come


SLOW = [["Content-Length: 900000"], ["Transfer-Encoding: chunked"], ["Content-Length: 900000", "Expect: 100-continue"]]


@pytest.mark.parametrize("lines", SLOW, ids=lambda lines: lines[-1])
def test_large_bodies_that_trickle_hold_up_no_other_large_one(connect, patient, lines):
    slow = [connect(head(patient, "POST", "/sign-in", *lines), patient.port) for _ in range(MANY)]
    if "Expect" in lines[-1]:
        for client in slow:
            assert client.recv(25) == b"HTTP/1.1 100 Continue\r\n\r\n"
    made = json.loads(patient.request("POST", "/v2/datasets").read())["data"]["id"]
    items = f"/v2/datasets/{made}/items"
    assert patient.request("POST", items, json.dumps([{"text": "x" * 300_000}])).status == 201
    assert patient.request("POST", items, json.dumps([{"text": "x" * 3_000_000}])).status == 201
    assert_are_waited_for(slow)


def test_very_large_bodies_that_stop_leave_a_place_for_other_addresses(connect, patient):
    made = json.loads(patient.request("POST", "/v2/datasets").read())["data"]["id"]
    items = f"/v2/datasets/{made}/items"
    begun = head(patient, "POST", items, "Content-Length: 9000000") + b" " * 1_200_000
    slow = [connect(begun, patient.port) for _ in range(12)]
    body = json.dumps([{"text": "x" * 3_000_000}])
    assert patient.request("POST", items, body, X_Forwarded_For="192.0.2.1").status == 201
    assert_are_waited_for(slow)
