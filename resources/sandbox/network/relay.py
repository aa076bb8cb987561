"""Passing connections on from the namespace of a run to single addresses and ports outside of it.

Who accepts and connects is one process: the listening sockets were made inside, the connections are made outside. So
nothing on the machine listens for the run, and no other run can use what is there for this one.
"""

import contextlib
import socket
import threading
from collections.abc import Callable
from functools import partial

MAX_CONNECTIONS = 256  # of each port; more wait until one of them ends
# Where a program finds the server of events: an address on its loopback that stands for nothing else. That server takes
# fewer, and each costs the worker a descriptor from its first byte on; a few more see that they are refused.
EVENTS_ADDRESS = ("127.76.0.80", 80)
MAX_EVENT_CONNECTIONS = 20
_CONNECT_SECONDS = 30
_CHUNK_BYTES = 1 << 18
_STACK_BYTES = 256 * 1024


def serve(listening: socket.socket, connect: Callable[[], socket.socket], most: int = MAX_CONNECTIONS) -> None:
    """Pass on in threads what comes to a socket, `most` at once, for as long as the process lives.

    `connect` raises OSError.
    """
    attend(listening, partial(_pass_on, connect), most)


def attend(listening: socket.socket, do: Callable[[socket.socket], None], most: int = MAX_CONNECTIONS) -> None:
    """Do something with each connection to a socket, in a thread, and close it, for as long as the process lives."""
    threading.stack_size(_STACK_BYTES)
    threading.Thread(target=_accept, args=(listening, do, most), daemon=True).start()


def connected(host: str, port: int) -> socket.socket:
    """Return a new connection.

    Raises:
        OSError: when there is none to be had.
    """
    connection = socket.create_connection((host, port), timeout=_CONNECT_SECONDS)
    connection.settimeout(None)
    return connection


def copy(source: socket.socket, target: socket.socket, chunk_bytes: int = _CHUNK_BYTES) -> None:
    """Copy until the source ends, and say so to the target; where one of them breaks, both do."""
    buffer = bytearray(chunk_bytes)
    view = memoryview(buffer)
    try:
        while size := source.recv_into(buffer):
            target.sendall(view[:size])
        target.shutdown(socket.SHUT_WR)
    except OSError:
        for each in (source, target):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)


def _accept(listening: socket.socket, do: Callable[[socket.socket], None], most: int) -> None:
    places = threading.BoundedSemaphore(most)
    while True:
        places.acquire()
        try:
            inside, _ = listening.accept()
            threading.Thread(target=_attend_one, args=(inside, do, places), daemon=True).start()
        except (OSError, RuntimeError):  # it was closed by then, or there are no more descriptors or threads just now
            places.release()


def _attend_one(inside: socket.socket, do: Callable[[socket.socket], None], places: threading.BoundedSemaphore) -> None:
    try:
        with inside:
            _quick(inside)
            do(inside)
    except RuntimeError:  # no thread is to be had: it is closed
        return
    finally:
        places.release()


def _pass_on(connect: Callable[[], socket.socket], inside: socket.socket) -> None:
    try:
        outside = connect()
    except OSError:
        _reset(inside)
        return
    with outside:
        _quick(outside)
        back = threading.Thread(target=copy, args=(outside, inside), daemon=True)
        back.start()
        copy(inside, outside)
        back.join()


def _quick(connection: socket.socket) -> None:
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _reset(connection: socket.socket) -> None:
    """Have the client see a failure rather than an end."""
    with contextlib.suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
