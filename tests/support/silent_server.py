"""A server of any protocol that takes connections and never says a word, as one does that hangs."""

import contextlib
import socket
import threading
from collections.abc import Iterator


class SilentServer:
    """It listens at `port` of this machine, and keeps what it has taken open."""

    def __init__(self) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port: int = self._listening.getsockname()[1]
        self.taken: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Close the server and what it has taken."""
        for each in (self._listening, *self.taken):
            each.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                self.taken.append(self._listening.accept()[0])


@contextlib.contextmanager
def silent_server() -> Iterator[SilentServer]:
    """Give a server that hangs."""
    server = SilentServer()
    try:
        yield server
    finally:
        server.close()
