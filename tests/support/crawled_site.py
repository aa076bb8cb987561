"""A small site to crawl, of plain pages and of pages for browsers, and a proxy by which it may be reached."""

import base64
import contextlib
import json
import socket
import ssl
import struct
import threading
import zlib
from collections import Counter
from collections.abc import Iterator
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

PAGES = 30
FLAKY = "/page-7"
# Pages that lead to each other, and are complete only where their style, their script and what it asks for are loaded.
RICH_PAGES = 3
_SCRIPT = """
(async () => {
    const {factor} = await (await fetch("/rich/data.json")).json();
    await document.images[0].decode();
    const wide = getComputedStyle(document.body).minWidth;
    document.body.append(`${document.title} times ${factor}, ${document.images[0].naturalWidth} pixel, ${wide}`);
    document.title = "complete";
})();
"""


def _pixel() -> bytes:
    """Return a picture (PNG) of one pixel."""
    parts = ((b"IHDR", struct.pack("!IIBBBBB", 1, 1, 8, 0, 0, 0, 0)), (b"IDAT", zlib.compress(b"\0\0")), (b"IEND", b""))
    chunks = (
        struct.pack("!I", len(data)) + kind + data + struct.pack("!I", zlib.crc32(kind + data)) for kind, data in parts
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


_PARTS = {
    "/rich/style.css": ("text/css", b"body { min-width: 77px }"),
    "/rich/script.js": ("text/javascript", _SCRIPT.encode()),
    "/rich/pixel.png": ("image/png", _pixel()),
    "/rich/data.json": ("application/json", json.dumps({"factor": 7}).encode()),
}
RICH_PARTS = tuple(_PARTS)


class Site(ThreadingHTTPServer):
    """The pages. One of them fails when it is asked for the first time; `asked` counts by the path."""

    request_queue_size = 100

    def __init__(self, host: str = "127.0.0.1", port: int = 0, *, certificate: Path | None = None) -> None:
        super().__init__((host, port), _Page)
        self.asked: Counter[str] = Counter()
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self.socket = context.wrap_socket(self.socket, server_side=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/"


class _Page(BaseHTTPRequestHandler):
    """The start page leads to every third page, each page to the next two and to the start."""

    protocol_version = "HTTP/1.1"
    server: Site

    def do_GET(self) -> None:
        self.server.asked[self.path] += 1
        if self.path in _PARTS:
            self._answer(200, *_PARTS[self.path])
        elif self.path.startswith("/rich/"):
            self._answer(200, "text/html", _rich(int(self.path.rpartition("/")[2])))
        else:
            fails = self.path == FLAKY and self.server.asked[self.path] == 1
            self._answer(503 if fails else 200, "text/html; charset=utf-8", _plain(self.path))

    def _answer(self, status: int, content_type: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args) -> None:
        """Say nothing."""


def _plain(path: str) -> bytes:
    number = int(path.rpartition("-")[2]) if "-" in path else None
    following = range(0, PAGES, 3) if number is None else range(number + 1, min(number + 3, PAGES))
    links = "".join(f'<a href="/page-{each}">{each}</a>' for each in following) + '<a href="/">start</a>'
    return f"<html><title>Page {number}</title>{links}</html>".encode()


def _rich(number: int) -> bytes:
    links = "".join(f'<a href="/rich/{each}"></a>' for each in range(RICH_PAGES))
    return (
        f'<!doctype html><title>{number}</title><link rel="stylesheet" href="/rich/style.css"><link rel="icon" '
        f'href="data:,"><body>{links}<img src="/rich/pixel.png"><script src="/rich/script.js"></script>'
    ).encode()


class Proxy(ThreadingHTTPServer):
    """A proxy for HTTP, and by CONNECT for what else there is; `asked` counts hosts with ports, and the method.

    `logins` are what it was given of usernames with passwords, and `hosts` what it finds elsewhere than at their name.
    """

    request_queue_size = 100

    def __init__(self, host: str, port: int) -> None:
        super().__init__((host, port), _Passing)
        self.asked: Counter[tuple[str, str]] = Counter()
        self.logins: set[str] = set()
        self.hosts: dict[str, str] = {}


class _Passing(BaseHTTPRequestHandler):
    server: Proxy

    def do_GET(self) -> None:
        asked = urlsplit(self.path)
        self.server.asked["GET", asked.netloc] += 1
        self._note_login()
        onwards = HTTPConnection(self.server.hosts.get(asked.netloc, asked.netloc), timeout=30)
        with contextlib.closing(onwards):
            onwards.request("GET", asked.path)
            answer = onwards.getresponse()
            body = answer.read()
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.getheader("Content-Type", ""))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _note_login(self) -> None:
        if encoded := self.headers.get("Proxy-Authorization", "").removeprefix("Basic "):
            self.server.logins.add(base64.b64decode(encoded).decode())

    def do_CONNECT(self) -> None:
        self.server.asked["CONNECT", self.path] += 1
        self._note_login()
        host, _, port = self.server.hosts.get(self.path, self.path).rpartition(":")
        with socket.create_connection((host, int(port)), timeout=30) as onwards:
            self.send_response(200)
            self.end_headers()
            back = threading.Thread(target=_copy, args=(onwards, self.connection), daemon=True)
            back.start()
            _copy(self.connection, onwards)
            back.join()

    def log_message(self, *args) -> None:
        """Say nothing."""


def _copy(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while part := source.recv(1 << 16):
            target.sendall(part)
        target.shutdown(socket.SHUT_WR)


@contextlib.contextmanager
def serving(server: ThreadingHTTPServer) -> Iterator[None]:
    """Serve in a thread, which is in the network namespace that this one is in."""
    with server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()
