"""The server and a worker as two processes that begin and end together."""

import ctypes
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from types import FrameType

from django.conf import settings

_LOOK_SECONDS = 0.5
# A worker that dies at once is not started more often than this.
_RESTART_SECONDS = 3.0
# A worker gives back what it runs within this; gunicorn is done with its answers sooner.
_END_SECONDS = 45.0
_PR_SET_PDEATHSIG = 1


class SideBySide:
    """Runs two commands: when the server ends, the worker ends too; when the worker dies, it is started again."""

    def __init__(self, server: Sequence[str], worker: Sequence[str]) -> None:
        self._commands = (list(server), list(worker))
        self._ending = threading.Event()

    def run(self) -> int:
        """Run both until SIGTERM, Ctrl-C, or the end of the server, and return the server's exit code."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._end)
        server, worker = (_start(command) for command in self._commands)
        started_at = time.monotonic()
        while not self._ending.wait(_LOOK_SECONDS) and server.poll() is None:
            if worker.poll() is not None and time.monotonic() - started_at >= _RESTART_SECONDS:
                sys.stderr.write(f"The worker ended with {worker.returncode}; it is started again.\n")
                worker, started_at = _start(self._commands[1]), time.monotonic()
        for each in (server, worker):
            if each.poll() is None:
                each.send_signal(signal.SIGTERM)
        until = time.monotonic() + _END_SECONDS
        for each in (server, worker):
            _wait(each, until)
        return 0 if self._ending.is_set() else server.returncode

    def _end(self, number: int, frame: FrameType | None) -> None:
        self._ending.set()


def _start(command: list[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(command, cwd=settings.BASE_DIR, preexec_fn=_end_with_parent)  # noqa: S603  # one thread


def _end_with_parent() -> None:
    """Be asked to end when whoever started this is killed."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)


def _wait(process: subprocess.Popen[bytes], until: float) -> None:
    try:
        process.wait(max(0.0, until - time.monotonic()))
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
