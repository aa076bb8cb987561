"""The processes that check items for this one: started when they are needed, and killed when they take too long.

What an account has checked takes turns, so that one slow schema occupies one process, and the other processes are for
others. The processes are few, so that all of them together take a bounded part of the machine.
"""

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from time import monotonic
from typing import Final

from accounts.lib.api_errors import ApiError
from resources.datasets.validator.frames import ANSWER, CHECK, COMPILE, QUESTION, receive

COMPILE_SECONDS = 5.0
CHECK_SECONDS = 10.0
# How long something waits until the account's turn comes and a process is free. Where the account has had one checked
# for as long, nothing waits, so that it holds few threads.
WAIT_SECONDS = 3.0
MAX_PROCESSES: Final = 4
# A process ends itself at the deadline. If it does not, it is killed so much later.
_GRACE_SECONDS: Final = 2.0
_ROOT: Final = Path(__file__).resolve().parents[3]
_ENVIRONMENT: Final = {"PATH": os.defpath, "LANG": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"}


class TakesTooMuch(Exception):
    """The process was ended because it took too long, or more memory than it may have."""


class Busy(ApiError):
    """No process was free in time; clients try again."""

    def __init__(self) -> None:
        message = "Too many items are being checked by schemas. Try again."
        super().__init__(HTTPStatus.TOO_MANY_REQUESTS, "rate-limit-exceeded", message)


class UnusableSchema(ValueError):
    """Fields that are no JSON Schema, or that refer to something outside; the message says why."""


class Process:
    """One process and the socket to it; used by one thread at a time."""

    def __init__(self) -> None:
        self._socket, theirs = socket.socketpair()
        with theirs, _closed_on_error(self._socket):
            self._process = subprocess.Popen(  # noqa: S603  # constants and a number
                [sys.executable, "-m", "resources.datasets.validator.program", str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                cwd=_ROOT,
                env=_ENVIRONMENT,
                pass_fds=[theirs.fileno()],
                start_new_session=True,  # what is sent to the terminal's processes is not for it
            )

    @property
    def pid(self) -> int:
        """Its ID."""
        return self._process.pid

    def ask(self, question: bytes, body: bytes, seconds: float) -> bytes:
        """Return the answer.

        Raises:
            EOFError: when the process has ended.
            OSError: when it has ended, or does not answer.
        """
        self._socket.settimeout(seconds + _GRACE_SECONDS)
        self._socket.sendall(QUESTION.pack(question, seconds, len(body)) + body)
        (size,) = ANSWER.unpack(receive(self._socket, ANSWER.size))
        return receive(self._socket, size)

    def end(self) -> int:
        """End it, and return its exit status as subprocess has it."""
        self._socket.close()
        self._process.kill()
        return self._process.wait()


@contextmanager
def _closed_on_error(own: socket.socket) -> Iterator[None]:
    try:
        yield
    except BaseException:
        own.close()
        raise


class Pool:
    """The processes of this process, and whose turn it is."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._idle: list[Process] = []
        self._working: list[Process] = []
        self._began: dict[str, float] = {}  # the accounts whose items are being checked, one process each, since when

    def compile(self, account_id: str, fields: bytes) -> None:
        """Compile a schema, JSON, in the turn of an account.

        Raises:
            UnusableSchema: when it cannot be used.
            TakesTooMuch: when it takes too long or too much memory.
            Busy: when no process was free in time.
        """
        self._ask(account_id, fields, None)

    def check(self, account_id: str, fields: bytes, items: bytes) -> bytes:
        """Check items, a line of JSON each; return the invalid ones as JSON: dicts as `ajv.describe` makes them.

        Raises what `compile` does.
        """
        return self._ask(account_id, fields, items)

    def _ask(self, account_id: str, fields: bytes, items: bytes | None) -> bytes:
        with self._turn(account_id):
            answer = self._try(fields, items)
            # It ended, perhaps by the memory that the schemas of others took: once more in a new one.
            if answer is None:
                answer = self._try(fields, items, anew=True)
        if answer is None:
            raise TakesTooMuch
        return answer

    def _try(self, fields: bytes, items: bytes | None, *, anew: bool = False) -> bytes | None:
        """Return the answer; None when the process has ended by something else than the deadline."""
        process = self._take(anew=anew)
        try:
            problem = process.ask(COMPILE, fields, COMPILE_SECONDS)
            answer = b"" if problem or items is None else process.ask(CHECK, items, CHECK_SECONDS)
        except (EOFError, OSError) as error:
            status = self._end(process)
            if isinstance(error, TimeoutError) or status == -signal.SIGALRM:
                raise TakesTooMuch from None
            return None
        except BaseException:
            self._end(process)
            raise
        with self._changed:
            self._working.remove(process)
            self._idle.append(process)
        if problem:
            raise UnusableSchema(problem.decode())
        return answer

    @contextmanager
    def _turn(self, account_id: str) -> Iterator[None]:
        with self._changed:
            seconds = self._began.get(account_id, monotonic()) + WAIT_SECONDS - monotonic()
            if not self._changed.wait_for(lambda: self._is_free(account_id), max(seconds, 0)):
                raise Busy
            self._began[account_id] = monotonic()
        try:
            yield
        finally:
            with self._changed:
                del self._began[account_id]
                self._changed.notify_all()

    def _is_free(self, account_id: str) -> bool:
        return account_id not in self._began and len(self._began) < MAX_PROCESSES

    def _take(self, *, anew: bool) -> Process:
        with self._changed:
            process = self._idle.pop() if self._idle else None
        if process is not None and anew:
            process.end()
        if process is None or anew:
            try:
                process = Process()
            except OSError as error:  # no process, memory or descriptor is left
                raise Busy from error
        with self._changed:
            self._working.append(process)
        return process

    def _end(self, process: Process) -> int:
        with self._changed:
            self._working.remove(process)
        return process.end()

    def pids(self) -> list[int]:
        """Return the IDs of the processes."""
        with self._changed:
            return [process.pid for process in self._idle + self._working]

    def working_pids(self) -> list[int]:
        """Return the IDs of those that are asked something."""
        with self._changed:
            return [process.pid for process in self._working]


_pool = Pool()


def pool() -> Pool:
    """Return the processes of this process."""
    return _pool


def _forget() -> None:
    """Have processes of its own after a fork: a socket has one process on each side."""
    global _pool  # the processes are those of the whole process
    _pool = Pool()


os.register_at_fork(after_in_child=_forget)
