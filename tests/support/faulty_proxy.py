"""A TCP proxy in front of a server, such as PostgreSQL, that cuts, delays or swallows what goes through it."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

_PIECE = 65_536


class FaultyProxy:
    """Passes on what comes, until a test tells it otherwise; it listens at `port` of this machine."""

    def __init__(self, target: tuple[str, int]) -> None:
        self._target = target
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port: int = self._listening.getsockname()[1]
        self._lock = threading.Lock()
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._forgotten: set[socket.socket] = set()
        self._passes = threading.Event()
        self._passes.set()
        self._refuses = False
        self._ended = threading.Event()
        self._delay = 0.0
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> int:
        """Cut all connections that there are, and return how many; new ones go through."""
        with self._lock:
            pairs, self._pairs = self._pairs, []
        for pair in pairs:
            for each in pair:
                with contextlib.suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)
        return len(pairs)

    def refuse(self) -> None:
        """Cut all connections, and every new one at once, as a server that is down."""
        self._refuses = True
        self.cut()

    def swallow(self) -> None:
        """Take everything and pass nothing on; also new connections are taken, and hear nothing."""
        self._passes.clear()

    def forget(self) -> None:
        """Swallow what comes on the connections that there are; new ones go through."""
        with self._lock:
            self._forgotten.update(each for pair in self._pairs for each in pair)

    def delay(self, seconds: float) -> None:
        """Pass everything on so much later."""
        self._delay = seconds

    def heal(self) -> None:
        """Pass on everything again, also what was held back."""
        self._refuses, self._delay = False, 0.0
        self._passes.set()

    def close(self) -> None:
        """End."""
        self._ended.set()
        self._passes.set()
        self._listening.close()
        self.cut()

    def _accept(self) -> None:
        while not self._ended.is_set():
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            if self._refuses:
                client.close()
                continue
            server = socket.create_connection(self._target)
            with self._lock:
                self._pairs.append((client, server))
            for source, sink in ((client, server), (server, client)):
                threading.Thread(target=self._pass_on, args=(source, sink), daemon=True).start()

    def _pass_on(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while piece := source.recv(_PIECE):
                self._ended.wait(self._delay) if self._delay else None
                self._passes.wait()
                if source not in self._forgotten:
                    sink.sendall(piece)
        for each in (source, sink):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)


@contextmanager
def faulty_database(url: str) -> Iterator[tuple[FaultyProxy, str]]:
    """Give a proxy in front of the PostgreSQL of a DATABASE_URL, and the URL that leads through it."""
    parts = urlsplit(url)
    proxy = FaultyProxy((parts.hostname or "127.0.0.1", parts.port or 5432))
    user = f"{parts.netloc.rpartition('@')[0]}@" if "@" in parts.netloc else ""
    try:
        yield proxy, parts._replace(netloc=f"{user}127.0.0.1:{proxy.port}").geturl()
    finally:
        proxy.close()
