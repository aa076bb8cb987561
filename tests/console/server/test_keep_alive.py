"""No kept-alive connection is closed without `Connection: close`, whatever was sent over it."""

import json
import random
import socket
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from console.server.request_reader import READ_AHEAD
from tests.support.served import served

REQUESTS = 10_000
CLIENTS = 8


@dataclass
class Answer:
    """The head of an answer."""

    status: int
    closes: bool


class Client:
    """A connection that is kept for as long as the server keeps it."""

    def __init__(self, port):
        self._port = port
        self._socket, self._read = None, b""

    def exchange(self, requests):
        """Send requests at once and return their answers, up to one that says that the connection closes."""
        if self._socket is None:
            self._socket, self._read = socket.create_connection(("127.0.0.1", self._port), timeout=30), b""
        self._socket.sendall(b"".join(text for text, _ in requests))
        answers = []
        for _, is_head in requests:
            answers.append(self._answer(is_head))
            if answers[-1].closes:
                self._close()
                break
        return answers

    def _close(self):
        """See that the server has closed the connection, as it has said."""
        try:
            while self._socket.recv(65536):
                pass
        except ConnectionResetError:
            pass  # it has not read all that was sent
        self._socket.close()
        self._socket = None

    def _answer(self, is_head):
        head = self._until(b"\r\n\r\n")
        while head.startswith(b"HTTP/1.1 100"):
            head = self._until(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
        status = int(lines[0].split()[1])
        if not is_head and status not in (204, 304):
            if headers.get("transfer-encoding") == "chunked":
                while size := int(self._until(b"\r\n"), 16):
                    self._take(size + 2)
                self._take(2)
            else:
                self._take(int(headers["content-length"]))
        return Answer(status, headers.get("connection") == "close")

    def _until(self, end):
        while end not in self._read:
            self._more()
        found, _, self._read = self._read.partition(end)
        return found

    def _take(self, size):
        while len(self._read) < size:
            self._more()
        self._read = self._read[size:]

    def _more(self):
        data = self._socket.recv(262_144)
        assert data, "The connection was closed, and no answer had said so."
        self._read += data


def request(method, path, body=b"", *, token="", chunks=None, **headers):
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    lines += [f"Authorization: Bearer {token}"] if token else []
    if chunks is not None:
        lines.append("Transfer-Encoding: chunked")
        body = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n"
    elif body or method in ("POST", "PUT"):
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body, method == "HEAD"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with served(tmp_path_factory.mktemp("data"), ("ada",), workers=2) as running:
        running.manage("collectstatic", "--noinput", "--verbosity=0")
        running.kill_workers()  # the next ones know the files that pages are made with
        yield running


@pytest.fixture(scope="module")
def sorts(server):
    """Make one request of each sort: what is valid, what is refused, and bodies that nobody reads."""
    token = server.tokens["ada"]
    dataset = json.loads(server.request("POST", "/v2/datasets").read())["data"]["id"]
    store = json.loads(server.request("POST", "/v2/key-value-stores").read())["data"]["id"]
    server.request("PUT", f"/v2/key-value-stores/{store}/records/K", b"x" * 100_000, Content_Type="image/png").read()
    record, items = f"/v2/key-value-stores/{store}/records/K", f"/v2/datasets/{dataset}/items"
    small, large = b"x" * 500, b"x" * 200_000
    return [
        lambda: request("GET", items, token=token),
        lambda: request("HEAD", items, token=token),
        lambda: request("OPTIONS", items),
        lambda: request("OPTIONS", items, small),
        lambda: request("POST", items, b"{}", token=token),
        lambda: request("POST", items, token=token, chunks=[b'{"a"', b":1}"]),
        lambda: request("POST", items, b"{", token=token),
        lambda: request("POST", items, small, token="nobodys"),
        lambda: request("POST", items, token="nobodys", chunks=[small, small]),
        lambda: request("POST", items, large, token="nobodys"),
        lambda: request("POST", items, token="nobodys", chunks=[large]),
        lambda: request("POST", items, b"x" * 65_536),
        lambda: request("POST", items, b"{}", token=token, Content_Encoding="gzip"),
        lambda: request("POST", items, b"{}", token=token, Content_Encoding="other"),
        lambda: request("POST", items, b"{}", token=token, Expect="100-continue"),
        lambda: request("GET", record, token=token),
        lambda: request("GET", record, token=token, Range="bytes=0-9"),
        lambda: request("GET", record, token=token, Range="bytes=900000-"),
        lambda: request("HEAD", record, token=token),
        lambda: request("PUT", f"{record}2", small, token=token),
        lambda: request("PUT", f"{record}2", small, token=token, Content_Type="\u00e9"),
        lambda: request("PUT", f"{record}/..", small, token=token),
        lambda: request("GET", "/v2/nothing"),
        lambda: request("GET", "/v2/nothing", small),
        lambda: request("PATCH", items, small, token=token),
        lambda: request("DELETE", f"{record}3", small, token=token),
        lambda: request("GET", "/healthz"),
        lambda: request("POST", "/healthz", small),
        lambda: request("POST", "/sign-in", small),
        lambda: request("POST", "/sign-in", large * 6),
        lambda: request("POST", "/nothing", large),
        lambda: request("GET", "/static/nothing.css"),
        lambda: request("GET", "/v2/users/me", token=token, Connection="close"),
        # Requests that are none
        lambda: (b"GARBAGE\r\n\r\n", False),
        lambda: (b"GET / HTTP/9.9\r\n\r\n", False),
        lambda: (b"GET /v2/users/me HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", False),
        lambda: (b"POST /v2/datasets HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n", False),
        lambda: (b"POST /v2/datasets HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", False),
    ]


def mixed(port, sorts, seed):
    """Send one client's share of the requests, and return the statuses of the answers."""
    chance, client = random.Random(seed), Client(port)
    sent, statuses = 0, set()
    while sent < REQUESTS // CLIENTS:
        count = chance.choice((1, 1, 1, 4, 12))  # several at once are pipelined
        answers = client.exchange([chance.choice(sorts)() for _ in range(count)])
        sent += len(answers)
        statuses |= {answer.status for answer in answers}
    return statuses


def test_ten_thousand_requests_see_no_close_that_was_not_said(server, sorts):
    with ThreadPoolExecutor(CLIENTS) as clients:
        statuses = set().union(*clients.map(lambda seed: mixed(server.port, sorts, seed), range(CLIENTS)))
    assert {200, 201, 204, 206, 400, 401, 404, 405, 413, 415, 416} <= statuses
    assert max(statuses) < 500


def test_a_connection_is_kept_where_the_rest_of_a_request_is_small(server, sorts):
    client = Client(server.port)
    for _ in range(3):
        (answer,) = client.exchange([request("POST", "/v2/datasets", b"x" * 500, token="nobodys")])
        assert (answer.status, answer.closes) == (401, False)


def test_a_rest_that_never_comes_is_not_waited_for_for_long(server):
    client = Client(server.port)
    text, _ = request("POST", "/v2/datasets", b"x" * (READ_AHEAD + 70_000), token="nobodys")
    (answer,) = client.exchange([(text[:-1], False)])
    assert (answer.status, answer.closes) == (401, True)
