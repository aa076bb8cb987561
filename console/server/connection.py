"""Connections as gunicorn has them, counted by address."""

from collections import Counter
from collections.abc import Callable
from functools import lru_cache
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any

from gunicorn.workers.gthread import TConn

from console.server.request_reader import PacedUnreader, RequestReader

_NETWORK_BITS = 64


class Connection(TConn):
    """A connection whose requests are read before a thread gets them."""

    parser: Any

    def __init__(self, cfg: Any, sock: Any, client: Any, server: Any, on_close: Callable[[], None]) -> None:
        super().__init__(cfg, sock, client, server)
        self._on_close: Callable[[], None] | None = on_close
        self.reader = RequestReader()
        self.deadline = 0.0
        # Its client, by which large bodies are counted, and how many bytes of one are kept until a thread has them.
        self.counted_by = ""
        self.kept_bytes = 0
        self.holds_place = False
        self.has_continued = False
        self.parked: Any = None

    def init(self) -> None:
        """Make the parser."""
        if not self.initialized:
            super().init()
            if not self.cfg.is_ssl and not self.is_http2:
                self.parser.unreader = PacedUnreader(self.sock)

    def begin(self, is_pressed: Callable[[], bool] = bool) -> None:
        """Give what has come of a request to the parser; `is_pressed` tells whether others wait for the rest of it."""
        self.parser.unreader.begin(bytes(self.reader.data), is_pressed)
        self.reader = RequestReader()
        self.data_ready = True

    def forget(self) -> None:
        """Count it no longer: it is closed."""
        if self._on_close is not None:
            self._on_close()
            self._on_close = None

    def close(self, graceful: bool = False) -> None:
        """Close it."""
        self.forget()
        super().close(graceful)


class Addresses:
    """How many connections each address has; a network of IPv6 is one address."""

    def __init__(self, most: int, is_trusted: Callable[[str], bool]) -> None:
        """Let an address have `most` connections, and one that `is_trusted` (a proxy's) any number."""
        self._most = most
        self._is_trusted = lru_cache(maxsize=1024)(is_trusted)
        self._open: Counter[str] = Counter()

    def enter(self, address: str) -> Callable[[], None] | None:
        """Count a connection; return what counts it no longer, or None where there are too many."""
        if self._is_trusted(address):
            return lambda: None
        who = client_network(address)
        if self._open[who] >= self._most:
            return None
        self._open[who] += 1
        return lambda: self._leave(who)

    def _leave(self, who: str) -> None:
        self._open[who] -= 1
        if self._open[who] <= 0:
            del self._open[who]


def client_network(address: str) -> str:
    """Return what a client's address is counted by: itself, or its network of IPv6."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address):
        mapped = parsed.ipv4_mapped
        return str(mapped or ip_network((parsed, _NETWORK_BITS), strict=False))
    return str(parsed)
