"""A receiver of webhooks on this machine, which answers as it is told and remembers what came."""

import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Received:
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """`answer` gives the answer: it is handed the request's handler. `port` is where it listens."""

    port: int = 0
    received: list[Received] = field(default_factory=list)
    answer: Callable[[Any], None] = lambda handler: reply(handler, 200, b"thanks")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook?a=1"


def reply(handler: Any, status: int, body: bytes = b"", **headers: str) -> None:
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name, value)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    with suppress(OSError):  # whoever has read enough goes away
        handler.wfile.write(body)


class _Server(ThreadingHTTPServer):
    def handle_error(self, *args: Any) -> None:
        """Say nothing of a client that refuses the certificate and goes away."""


class Listening:
    """Listens while it is entered; with `certificate` (a file that holds a key too) over TLS."""

    def __init__(self, certificate: str | None = None, host: str = "127.0.0.1") -> None:
        self.receiver = receiver = Receiver()

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.received.append(Received(self.path, dict(self.headers.items()), body))
                receiver.answer(self)

            def log_message(self, *args: Any) -> None:
                """Say nothing."""

        self._server = _Server((host, 0), Handler)
        self._server.daemon_threads = True
        receiver.port = self._server.server_address[1]
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)

    def __enter__(self) -> Receiver:
        self._thread.start()
        return self.receiver

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
