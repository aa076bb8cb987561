"""Chunked bodies as gunicorn's own parser reads them from a socket, whole and broken."""

import socket

import pytest
from gunicorn.config import Config
from gunicorn.http import wsgi
from gunicorn.http.parser import RequestParser

from resources.kinds import Kind
from resources.models import Dataset, Record

ITEM = b'{"n":1}'
BROKEN = {
    "no size": b"zz\r\n" + ITEM + b"\r\n0\r\n\r\n",
    "a negative size": b"-7\r\n" + ITEM + b"\r\n0\r\n\r\n",
    "no end of a chunk": b"7\r\n" + ITEM + b"xx0\r\n\r\n",
    "an extension that is none": b"7;\rx\r\n" + ITEM + b"\r\n0\r\n\r\n",
    "broken after a good one": b"7\r\n" + ITEM + b"\r\nzz\r\n\r\n",
    "no last chunk": b"7\r\n" + ITEM + b"\r\n",
    "less than the size": b"ff\r\n" + ITEM,
    "nothing": b"",
}
WHOLE = b"3\r\n" + ITEM[:3] + b"\r\n4\r\n" + ITEM[3:] + b"\r\n0\r\n\r\n"


@pytest.fixture
def send(api, ada):
    """Send a request whose body gunicorn reads from a socket, and return the status and the JSON of the answer."""
    client = api(ada)

    def exchange(method: str, path: str, chunks: bytes):
        head = f"{method} {path} HTTP/1.1\r\nHost: testserver\r\nTransfer-Encoding: chunked\r\n\r\n"
        ours, theirs = socket.socketpair()
        with ours, theirs:
            theirs.sendall(head.encode() + chunks)
            theirs.shutdown(socket.SHUT_WR)
            config, address = Config(), ("127.0.0.1", 1)
            request = next(RequestParser(config, ours, address))
            _, environ = wsgi.create(request, ours, address, address, config)
            taken = ("wsgi.input", "wsgi.input_terminated", "HTTP_TRANSFER_ENCODING")
            response = client.generic(method, path, **{name: environ[name] for name in taken})
        return response.status_code, response.json()

    return exchange


@pytest.fixture
def paths(make_resource, ada):
    """Where a body is read as a whole, and where it is stored as it comes."""
    dataset, store = make_resource(Kind.DATASET, ada), make_resource(Kind.KEY_VALUE_STORE, ada)
    return {
        "items": ("POST", f"/v2/datasets/{dataset.pk}/items"),
        "record": ("PUT", f"/v2/key-value-stores/{store.pk}/records/k"),
    }


@pytest.mark.parametrize("chunks", BROKEN.values(), ids=BROKEN)
@pytest.mark.parametrize("to", ["items", "record"])
def test_broken_chunks_are_the_clients_mistake_and_leave_nothing(send, paths, to, chunks):
    status, answer = send(*paths[to], chunks)
    assert (status, answer["error"]["type"]) == (400, "request-aborted-prematurely")
    assert Dataset.objects.get().item_count == 0
    assert not Record.objects.exists()


@pytest.mark.parametrize("to", ["items", "record"])
def test_whole_chunks(send, paths, to):
    assert send(*paths[to], WHOLE) == (201, {})
    assert (Dataset.objects.get().item_count == 1) == (to == "items")
    assert Record.objects.exists() == (to == "record")
