"""The server and its worker begin together, end together, and a worker that dies is started again."""

import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator

import pytest

from console.server import supervisor
from console.server.supervisor import Supervisor
from tests.support.ports import free_port

# Listens, and ends with 7 when somebody sends it an x.
SERVER = """
import socket, sys
listening = socket.create_server(("127.0.0.1", int(sys.argv[1])))
while True:
    connection, _ = listening.accept()
    if connection.recv(1) == b"x":
        sys.exit(7)
"""
# Says that it is there and who it is, and waits to be asked to end; then it says that, too.
WORKER = """
import os, signal, socket, sys
asked = []
signal.signal(signal.SIGTERM, lambda *_: asked.append(1))
connection = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
connection.sendall(f"{os.getpid()}\\n".encode())
while not asked:
    signal.pause()
connection.sendall(b"asked\\n")
"""


class Reports:
    """Where the workers report."""

    def __init__(self, listening: socket.socket) -> None:
        self._listening = listening

    def next(self) -> tuple[int, Iterator[str]]:
        """Return the process id of the next worker, and what else it says."""
        connection, _ = self._listening.accept()
        connection.settimeout(60)
        lines = (line.strip() for line in connection.makefile("r"))
        return int(next(lines)), lines


@pytest.fixture
def both(monkeypatch) -> Iterator[tuple[Supervisor, Reports, int]]:
    monkeypatch.setattr(supervisor, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(supervisor, "RESTART_SECONDS", 0.0)
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(60)
        port = free_port()
        server = [sys.executable, "-c", SERVER, str(port)]
        worker = [sys.executable, "-c", WORKER, str(listening.getsockname()[1])]
        yield Supervisor(server, worker, ("127.0.0.1", port)), Reports(listening), port
    for number, handler in handlers.items():
        signal.signal(number, handler)


def meanwhile(do) -> threading.Thread:
    """Do something while this thread, which is the one for signals, runs both."""
    thread = threading.Thread(target=do)
    thread.start()
    return thread


def test_a_worker_that_is_killed_is_started_again_and_ends_with_the_server(both, capfd):
    running, reports, port = both
    last: list[str] = []

    def do() -> None:
        os.kill(reports.next()[0], signal.SIGKILL)
        _, lines = reports.next()
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.sendall(b"x")
        last.extend(lines)

    thread = meanwhile(do)
    assert running.run() == 7
    thread.join()
    assert last == ["asked"]
    assert "The worker ended with -9; it is started again." in capfd.readouterr().err


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_both_end_when_asked(both, number):
    running, reports, port = both
    last: list[str] = []

    def do() -> None:
        _, lines = reports.next()
        os.kill(os.getpid(), number)
        last.extend(lines)

    thread = meanwhile(do)
    assert running.run() == 0
    thread.join()
    assert last == ["asked"]
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))


def test_where_the_server_does_not_start_there_is_no_worker(both, monkeypatch):
    running, reports, _ = both
    monkeypatch.setattr(running, "_server", [sys.executable, "-c", "raise SystemExit(3)"])
    assert running.run() == 3
    reports._listening.setblocking(False)
    with pytest.raises(BlockingIOError):
        reports.next()
