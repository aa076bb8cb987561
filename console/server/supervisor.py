"""The server and a worker as two processes that begin and end together."""

import ctypes
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from types import FrameType

from django.conf import settings

from console.server.limits import GRACE_SECONDS

LOOK_SECONDS = 0.5
# A worker that dies at once is not started more often than this.
RESTART_SECONDS = 3.0
# A worker gives back what it runs within this; gunicorn is done with its answers sooner, or after its own grace.
_END_SECONDS = max(45.0, GRACE_SECONDS + 15.0)
_PR_SET_PDEATHSIG = 1


class Supervisor:
    """Runs two commands: when the server ends, the worker ends too; when the worker dies, it is started again.

    The worker is started once the server listens at `address`, because what it runs calls the API.
    """

    def __init__(self, server: Sequence[str], worker: Sequence[str], address: tuple[str, int]) -> None:
        self._server, self._worker = list(server), list(worker)
        self._address = address
        self._ending = threading.Event()

    def run(self) -> int:
        """Run both until SIGTERM, Ctrl-C, or the end of the server, and return the server's exit code."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._end)
        server = _start(self._server)
        worker, started_at = None, -RESTART_SECONDS
        while not self._ending.wait(LOOK_SECONDS) and server.poll() is None:
            if worker is not None and worker.poll() is None:
                continue
            if time.monotonic() - started_at >= RESTART_SECONDS and (worker or self._listens()):
                if worker is not None:
                    sys.stderr.write(f"The worker ended with {worker.returncode}; it is started again.\n")
                worker, started_at = _start(self._worker), time.monotonic()
        both = [server] if worker is None else [server, worker]
        for each in both:
            if each.poll() is None:
                each.send_signal(signal.SIGTERM)
        until = time.monotonic() + _END_SECONDS
        for each in both:
            _wait(each, until)
        return 0 if self._ending.is_set() else server.returncode

    def _listens(self) -> bool:
        host, port = self._address
        try:
            with socket.create_connection(("127.0.0.1" if host == "0.0.0.0" else host.strip("[]"), port), timeout=1):  # noqa: S104
                return True
        except OSError:
            return False

    def _end(self, number: int, frame: FrameType | None) -> None:
        self._ending.set()


def _start(command: list[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(command, cwd=settings.BASE_DIR, preexec_fn=_end_with_parent)  # noqa: S603  # one thread


def _end_with_parent() -> None:
    """Have the kernel signal this process when its parent is killed."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)


def _wait(process: subprocess.Popen[bytes], until: float) -> None:
    try:
        process.wait(max(0.0, until - time.monotonic()))
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
