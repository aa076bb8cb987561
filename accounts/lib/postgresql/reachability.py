"""Whether the database can be reached, and works on what it was asked, found out on a connection made for the question.

A network, proxy or failover can take a statement and never answer, and a long statement is silent as well. From its own
connection alone cannot tell one from the other, for a proxy acknowledges what it swallows. So a second connection asks.
"""

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

import psycopg
from psycopg.abc import PQGen

from accounts.lib.database_errors import is_about_connection
from accounts.lib.postgresql.limits import LIMITS

_QUESTION = "SELECT pid FROM pg_stat_activity WHERE usename = current_user AND state = 'active'"
_LEAST_CONNECT_SECONDS = 2  # psycopg takes no less
INTERVAL = 0.1  # how often psycopg looks up while it waits, in seconds


class Away(psycopg.OperationalError):
    """The database cannot be reached."""


class AnswerLost(psycopg.OperationalError):
    """The database is there, and does not work on the statement: what was sent, or the answer, is lost."""


class Verdict(Enum):
    """What the database does about a statement."""

    WORKS = auto()
    LOST = auto()
    AWAY = auto()


@dataclass(frozen=True)
class _Answer:
    """What the database works on; `pids` is None where it does not say."""

    is_there: bool
    pids: frozenset[int] | None = None


class _Question:
    """One question, which any number of threads wait for."""

    def __init__(self) -> None:
        self.is_answered = threading.Event()
        self.answer = _Answer(is_there=False)


class Reachability:
    """What is known about one database."""

    def __init__(self, parameters: Mapping[str, Any]) -> None:
        """Ask by connections that `psycopg.connect(**parameters)` makes."""
        self._parameters = {
            **{name: value for name, value in parameters.items() if name not in ("context", "cursor_factory")},
            "connect_timeout": max(_LEAST_CONNECT_SECONDS, int(LIMITS.asking)),
            "autocommit": True,
        }
        self._lock = threading.Lock()
        self._asked: _Question | None = None
        self._is_away = False

    def check(self) -> None:
        """Return at once unless the database is known to be away, so that clients do not wait one after the other.

        Raises:
            Away: while it is.
        """
        if self._is_away:
            raise Away("the database cannot be reached")

    def ask(self, backend_pid: int = 0) -> Verdict:
        """Ask the database, for a limited time, whether it is there and works on a backend's statement.

        Where a pooler is in between, which hides the backends, only whether it is there.
        """
        if self._is_away:
            return Verdict.AWAY
        with self._lock:
            question = self._asked
            if question is None:
                question = _Question()
                threading.Thread(target=self._find_out, args=(question,), name="reachability", daemon=True).start()
                self._asked = question  # only where the thread has started that answers it
        if not question.is_answered.wait(LIMITS.asking) or not question.answer.is_there:
            self._note_away()
            return Verdict.AWAY
        pids = question.answer.pids
        return Verdict.WORKS if pids is None or backend_pid in pids else Verdict.LOST

    def _find_out(self, question: _Question) -> None:
        try:
            question.answer = self._question_database()
        finally:
            with self._lock:
                if self._asked is question:
                    self._asked = None
            question.is_answered.set()

    def _note_away(self) -> None:
        with self._lock:
            if self._is_away:
                return
            threading.Thread(target=self._wait_for_return, name="reachability", daemon=True).start()
            self._is_away = True  # only where the thread has started that ends it

    def _wait_for_return(self) -> None:
        while not self._question_database().is_there:
            time.sleep(LIMITS.between)  # in a thread of its own: the database says nothing when it is back
        with self._lock:
            self._is_away = False

    def _question_database(self) -> _Answer:
        try:
            own = _LimitedConnection.connect(**self._parameters)
        except psycopg.Error as error:
            return _Answer(is_there=not is_about_connection(error))
        try:
            pids = frozenset(pid for (pid,) in own.execute(_QUESTION).fetchall())
            return _Answer(True, pids if own.info.backend_pid in pids else None)
        except psycopg.Error as error:
            return _Answer(is_there=not is_about_connection(error))
        finally:
            own.close()


class _LimitedConnection(psycopg.Connection[Any]):
    """One that waits for no answer longer than a question may take."""

    def wait(self, gen: PQGen[Any], interval: float = INTERVAL, timeout: float | None = None) -> Any:
        return super().wait(gen, interval, LIMITS.asking if timeout is None else timeout)
