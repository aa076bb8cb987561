"""Events by websocket: a server in a thread of the worker, at which each program of a run has a secret path.

It listens on loopback. A program with a network of its own reaches it by a relay of that (`resources/sandbox/network`).
Programs only listen: what they send is read and thrown away. One that does not read what it is sent is told nothing
more until it does, and is disconnected when it does not for long.
"""

import asyncio
import logging
import secrets
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from http import HTTPStatus
from typing import Any, Final

import msgspec
from django.utils import timezone
from websockets.asyncio.server import Server, ServerConnection, broadcast, serve
from websockets.http11 import Request, Response

from accounts.lib.timestamps import iso
from resources.sandbox.network import relay

RELAY_ADDRESS: Final = relay.EVENTS_ADDRESS  # where a program in a network of its own finds the server
MAX_CONNECTIONS: Final = 16  # of one program: each of its processes may have one
_MAX_MESSAGE_BYTES: Final = 4096
_SKIPS_FROM_BYTES, _GIVES_UP_FROM_BYTES = 64 * 1024, 1024 * 1024
# How many may be about to say which program they are of, and for how long; the oldest makes room for a new one.
_MAX_OPENING: Final = 64
_OPENING_SECONDS: Final = 10
_REPORT_SECONDS: Final = 60
_SECRET_BYTES: Final = 24

_log = logging.getLogger(__name__)
# What programs do wrong is none of the worker's business, and would fill its log.
_silent = logging.getLogger(f"{__name__}.connections")
_silent.setLevel(logging.CRITICAL + 1)


class Channel:
    """The events of one program. Its methods are called by the thread that supervises the program."""

    def __init__(self, server: "EventServer") -> None:
        self.secret = secrets.token_urlsafe(_SECRET_BYTES)
        self._server = server
        self._connections: set[ServerConnection] = set()
        self._last = ""

    @property
    def is_connected(self) -> bool:
        """Whether the program listens."""
        return bool(self._connections)

    @property
    def address(self) -> tuple[str, int]:
        """Where the server listens on this machine."""
        return self._server.address

    def url(self, *, by_relay: bool) -> str:
        """Return the URL that the program connects to, by the relay of its network or on this machine's loopback."""
        host, port = RELAY_ADDRESS if by_relay else self.address
        return f"ws://{host}{'' if port == 80 else f':{port}'}/{self.secret}"

    def send(self, name: str, data: dict[str, Any], *, is_last: bool = False) -> None:
        """Send an event to the program; one that connects later hears of the last one, which says how it ends."""
        text = msgspec.json.encode({"name": name, "createdAt": iso(timezone.now()), "data": data}).decode()
        if is_last:
            self._last = text
        self._server.call(self._send, text, is_last)

    def close(self) -> None:
        """Disconnect the program, and know its path no longer."""
        self._server.forget(self)

    def is_full(self) -> bool:
        """Tell whether the program has as many connections as it may."""
        return len(self._connections) >= MAX_CONNECTIONS

    async def listen(self, connection: ServerConnection) -> None:
        """Keep a connection until it is closed."""
        self._connections.add(connection)
        try:
            if self._last:
                await connection.send(self._last)
            async for _ in connection:
                pass
        finally:
            self._connections.discard(connection)

    def disconnect(self) -> None:
        """Close all connections, at once."""
        for connection in self._connections:
            connection.transport.abort()

    def _send(self, text: str, is_last: bool) -> None:
        for connection in self._connections:
            waiting = connection.transport.get_write_buffer_size()
            if waiting > _GIVES_UP_FROM_BYTES:
                connection.transport.abort()
            elif is_last or waiting <= _SKIPS_FROM_BYTES:
                broadcast([connection], text)


class _Connection(ServerConnection):
    """A connection, counted until its handshake has ended."""

    def __init__(self, opening: dict[ServerConnection, None], *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._opening = opening

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Count it, and have it take the place of the oldest where there are too many."""
        super().connection_made(transport)
        self._opening[self] = None
        if len(self._opening) > _MAX_OPENING:
            oldest = next(iter(self._opening))
            del self._opening[oldest]
            oldest.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Count it no longer."""
        self._opening.pop(self, None)
        super().connection_lost(exc)


class EventServer:
    """The server of a worker. It runs in a thread from its making on."""

    def __init__(self) -> None:
        self._channels: dict[str, Channel] = {}
        self._loop = asyncio.new_event_loop()
        listening = socket.create_server(("127.0.0.1", 0))
        self.address: tuple[str, int] = listening.getsockname()
        self._ending = asyncio.Event()
        self._opening: dict[ServerConnection, None] = {}
        self._report_at = 0.0
        self._loop.set_exception_handler(self._report)
        self._thread = threading.Thread(target=self._run, args=(listening,), name="events", daemon=True)
        self._thread.start()

    def open(self) -> Channel:
        """Return the channel of a new program."""
        channel = Channel(self)
        self._channels[channel.secret] = channel
        return channel

    def forget(self, channel: Channel) -> None:
        """Disconnect a program, and know its path no longer. Safe to call again."""
        self._channels.pop(channel.secret, None)
        self.call(channel.disconnect)

    def call(self, do: Any, *arguments: Any) -> None:
        """Have the server's thread do something, if it is still there."""
        with suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(do, *arguments)

    def close(self) -> None:
        """End the server. Safe to call again."""
        self.call(self._ending.set)
        self._thread.join()

    def _run(self, listening: socket.socket) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve(listening))

    async def _serve(self, listening: socket.socket) -> None:
        server: Server = await serve(
            self._connected,
            sock=listening,
            process_request=self._look_at,
            create_connection=partial(_Connection, self._opening),  # type: ignore[arg-type]  # it is called, no more
            # The programs are on this machine: a connection that is gone is closed. One whose program is busy for
            # minutes is not gone, and clients that are disconnected for it may never connect again.
            ping_interval=None,
            compression=None,
            open_timeout=_OPENING_SECONDS,
            max_size=_MAX_MESSAGE_BYTES,
            max_queue=1,
            server_header=None,
            logger=_silent,
        )
        async with server:
            await self._ending.wait()

    def _report(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Log what goes wrong in the loop, but not each time: programs can bring it about."""
        now = time.monotonic()
        if now >= self._report_at:
            self._report_at = now + _REPORT_SECONDS
            _log.warning("The server of events: %s %s", context["message"], context.get("exception") or "")

    def _look_at(self, connection: ServerConnection, request: Request) -> Response | None:
        self._opening.pop(connection, None)
        channel = self._channels.get(request.path.removeprefix("/"))
        if channel is None:
            return connection.respond(HTTPStatus.NOT_FOUND, "There are no events here.\n")
        if channel.is_full():
            return connection.respond(HTTPStatus.TOO_MANY_REQUESTS, "This run has too many connections already.\n")
        return None

    async def _connected(self, connection: ServerConnection) -> None:
        path = connection.request.path if connection.request else ""
        channel = self._channels.get(path.removeprefix("/"))
        if channel is not None:
            await channel.listen(connection)


@contextmanager
def open_channel() -> Iterator[Channel]:
    """Return the channel of a program for as long as the block lasts; the server is started when it is first needed."""
    global _server  # one per process
    with _starting:
        if _server is None:
            _server = EventServer()
        channel = _server.open()
    try:
        yield channel
    finally:
        channel.close()


def close() -> None:
    """End the server of this process, if there is one."""
    global _server
    with _starting:
        server, _server = _server, None
    if server is not None:
        server.close()


_starting = threading.Lock()
_server: EventServer | None = None
