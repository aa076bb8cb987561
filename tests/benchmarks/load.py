"""Load on a server: keep-alive connections that ask for one address again and again.

`wrk` does it where it is installed. Else plain sockets in a process of their own do: they write a prepared request
and read to the end of the answer by its Content-Length, and nothing more.
"""

import re
import shutil
import socket
import subprocess
import sys
import threading
import time

_WRK_RATE = re.compile(r"Requests/sec:\s+([0-9.]+)")
_WRK_ERRORS = re.compile(r"Non-2xx or 3xx responses: (\d+)|Socket errors: (.*)")
_LENGTH = re.compile(rb"(?i)\r\ncontent-length: (\d+)")


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


def _ask(host: str, port: int, request: bytes, until: float, counts: list[int]) -> None:
    with socket.create_connection((host, port), timeout=30) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        asked = 0
        while time.perf_counter() < until:
            connection.sendall(request)
            _read_answer(connection)
            asked += 1
        counts.append(asked)


def _read_answer(connection: socket.socket) -> None:
    answer = b""
    while (end := answer.find(b"\r\n\r\n")) < 0:
        answer += _more(connection)
    length = _LENGTH.search(answer, 0, end + 2)
    if not answer.startswith(b"HTTP/1.1 2") or length is None:
        raise LoadFailed(answer[:500].decode("latin-1"))
    missing = end + 4 + int(length[1]) - len(answer)
    while missing > 0:
        missing -= len(_more(connection))


def _more(connection: socket.socket) -> bytes:
    received = connection.recv(65536)
    if not received:
        raise LoadFailed("The server closed the connection.")
    return received


def _main(url: str, connections: int, seconds: float, headers: list[str]) -> None:
    host, _, port_and_path = url.removeprefix("http://").partition(":")
    port, _, path = port_and_path.partition("/")
    request = "\r\n".join([f"GET /{path} HTTP/1.1", f"Host: {host}:{port}", *headers, "", ""]).encode()
    counts: list[int] = []
    start = time.perf_counter()
    threads = [
        threading.Thread(target=_ask, args=(host, int(port), request, start + seconds, counts))
        for _ in range(connections)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if len(counts) != connections:
        raise LoadFailed("A connection failed.")
    print(sum(counts) / (time.perf_counter() - start))


if __name__ == "__main__":
    _main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), sys.argv[4:])
