"""Load on a server: keep-alive connections that ask for one address again and again.

`wrk` does it where it is installed. Else plain sockets in a process of their own do, all of them in one thread: it
writes a prepared request wherever an answer has ended, by its Content-Length or with its last chunk, and nothing more.
It has to share the processors with what it measures.
"""

import re
import select
import shutil
import socket
import subprocess
import sys
import time

_WRK_RATE = re.compile(r"Requests/sec:\s+([0-9.]+)")
_WRK_ERRORS = re.compile(r"Non-2xx or 3xx responses: (\d+)|Socket errors: (.*)")
_LENGTH = re.compile(rb"(?i)\r\ncontent-length: (\d+)")
_CHUNKED = re.compile(rb"(?i)\r\ntransfer-encoding: chunked\r\n")
_STALLED_SECONDS = 30


class LoadFailed(Exception):
    """The server did not answer every request with success."""


def requests_per_second(url: str, headers: dict[str, str], *, connections: int, seconds: float) -> float:
    """Return how many requests a second the server answered.

    Raises:
        LoadFailed: when an answer was not a success.
    """
    run = _by_wrk if shutil.which("wrk") else _by_sockets
    return run(url, headers, connections, seconds)


def tool() -> str:
    """Return the name of what makes the load."""
    return "wrk" if shutil.which("wrk") else "Python sockets"


def _by_wrk(url: str, headers: dict[str, str], connections: int, seconds: float) -> float:
    lines = [part for name, value in headers.items() for part in ("-H", f"{name}: {value}")]
    command = ["wrk", "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s", *lines, url]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    rate = _WRK_RATE.search(printed)
    if rate is None or _WRK_ERRORS.search(printed):
        raise LoadFailed(printed)
    return float(rate[1])


def _by_sockets(url: str, headers: dict[str, str], connections: int, seconds: float) -> float:
    command = [sys.executable, "-m", "tests.benchmarks.load", url, str(connections), str(seconds)]
    command += [f"{name}: {value}" for name, value in headers.items()]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise LoadFailed(done.stderr)
    return float(done.stdout)


class _Connection:
    """One connection, and what it has received of an answer."""

    def __init__(self, host: str, port: int, request: bytes) -> None:
        self.socket = socket.create_connection((host, port), timeout=30)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._request = request
        self._answer = b""

    def ask(self) -> None:
        """Send the request."""
        self.socket.sendall(self._request)

    def has_answer(self) -> bool:
        """Take what has arrived, and tell whether an answer has ended with it; there is something to take."""
        received = self.socket.recv(262144)
        if not received:
            raise LoadFailed("The server closed the connection.")
        self._answer += received
        if not _is_complete(self._answer):
            return False
        self._answer = b""
        return True


def _is_complete(answer: bytes) -> bool:
    end = answer.find(b"\r\n\r\n")
    if end < 0:
        return False
    length = _LENGTH.search(answer, 0, end + 2)
    is_chunked = length is None and _CHUNKED.search(answer, 0, end + 2) is not None
    if not answer.startswith(b"HTTP/1.1 2") or (length is None and not is_chunked):
        raise LoadFailed(answer[:500].decode("latin-1"))
    if length is None:
        return answer.endswith(b"\r\n0\r\n\r\n")  # nothing follows, as the next request has not been sent
    return len(answer) >= end + 4 + int(length[1])


def _main(url: str, connections: int, seconds: float, headers: list[str]) -> None:
    host, _, port_and_path = url.removeprefix("http://").partition(":")
    port, _, path = port_and_path.partition("/")
    request = "\r\n".join([f"GET /{path} HTTP/1.1", f"Host: {host}:{port}", *headers, "", ""]).encode()
    waiting = {
        each.socket.fileno(): each for each in (_Connection(host, int(port), request) for _ in range(connections))
    }
    events = select.epoll()
    start = time.perf_counter()
    for descriptor, connection in waiting.items():
        events.register(descriptor, select.EPOLLIN)
        connection.ask()
    answered = 0
    while time.perf_counter() < start + seconds:
        readable = events.poll(_STALLED_SECONDS)
        if not readable:
            raise LoadFailed("The server has stopped answering.")
        for descriptor, _ in readable:
            if waiting[descriptor].has_answer():
                answered += 1
                waiting[descriptor].ask()
    print(answered / (time.perf_counter() - start))


if __name__ == "__main__":
    _main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), sys.argv[4:])
