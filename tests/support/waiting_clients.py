"""Jobs in the database of a server that runs, and clients that wait for them."""

import json
import socket
import subprocess
import sys
from dataclasses import dataclass

from tests.support.served import ROOT, Served


class Jobs:
    """Makes runs of an account and moves them, in one process beside the server: a worker is not needed."""

    def __init__(self, server: Served) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.waiting_clients"],
            cwd=ROOT,
            env=server.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def do(self, what: str, *arguments: str) -> str:
        """Make a run ("make", owner), add a line to its log ("print"), or finish it ("finish"); return its ID."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps([what, *arguments]) + "\n")
        self._process.stdin.flush()
        return str(json.loads(self._process.stdout.readline()))

    def close(self) -> None:
        """End the process."""
        self._process.communicate(timeout=30)


@dataclass
class Client:
    """A connection to a server, with one request sent on it."""

    socket: socket.socket
    received: bytes = b""

    def read_until(self, mark: bytes) -> bytes:
        """Return what has come up to and with `mark`; what comes later is for the next call.

        Raises:
            EOFError: when the server closes the connection before.
        """
        while mark not in self.received:
            piece = self.socket.recv(65536)
            if not piece:
                raise EOFError(self.received)
            self.received += piece
        before, _, self.received = self.received.partition(mark)
        return before + mark

    def answer(self) -> tuple[int, bytes]:
        """Return the status and the body of an answer with a length."""
        head = self.read_until(b"\r\n\r\n").decode().lower()
        length = int(head.partition("content-length: ")[2].partition("\r\n")[0])
        while len(self.received) < length:
            self.received += self.socket.recv(65536)
        body, self.received = self.received[:length], self.received[length:]
        return int(head.split()[1]), body

    def ask(self, request: bytes) -> None:
        """Send another request."""
        self.socket.sendall(request)


def request_bytes(server: Served, path: str, *, who: str = "ada", method: str = "GET", version: str = "1.1") -> bytes:
    """Return a request without a body."""
    lines = [f"{method} {path} HTTP/{version}", "Host: localhost", f"Authorization: Bearer {server.tokens[who]}"]
    return "\r\n".join([*lines, "", ""]).encode()


def ask(server: Served, path: str, **options: str) -> Client:
    """Connect, and send a request without a body."""
    client = Client(socket.create_connection(("127.0.0.1", server.port), timeout=20))
    client.ask(request_bytes(server, path, **options))
    return client


def _main() -> None:
    import django

    django.setup()
    from django.utils import timezone

    from accounts.models import Account
    from resources.jobs.status import JobStatus
    from resources.kinds import Kind
    from resources.logs.writing import append
    from resources.models import Run
    from tests.support.factories import make_resource

    for line in sys.stdin:
        what, of, *more = json.loads(line)
        if what == "make":
            owner = Account.objects.get(username=of)
            of = make_resource(Kind.RUN, owner, status=JobStatus.RUNNING, general_access="RESTRICTED").pk
        elif what == "print":
            append(of, more[0].encode())
        elif what == "finish":
            Run.objects.filter(pk=of).update(status=JobStatus.SUCCEEDED, finished_at=timezone.now())
        elif what == "delete":
            Run.objects.filter(pk=of).delete()
        print(json.dumps(of), flush=True)


if __name__ == "__main__":
    _main()
