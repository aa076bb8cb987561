"""How a program that has to end is brought to its end: it is told, then asked by SIGTERM, then killed.

A program that listens to events has WORKER_EVENT_GRACE_SECS to react to the first one, and is told to save its state
once more before SIGTERM, so that it loses nothing that it could have saved. One that does not listen gets SIGTERM at
once. Until when it is killed in any case, the one who wants it to end says.
"""

import math
import time
from enum import Enum, auto
from typing import Final

from django.conf import settings

from resources.worker.run_events import RunEvents
from resources.worker.running_program import RunningProgram

STEP_SECONDS: Final = 0.03
# How long at most it takes to save a state.
_SAVING_SECONDS: Final = 1.0
# A worker that is to stop gives what it runs less time: it is waited for, and the job begins anew elsewhere.
_STOPPING_SECONDS: Final = 5.0


class Outcome(Enum):
    """Why a program is no more."""

    EXITED = auto()
    TOO_MUCH = auto()  # it took more than it may; `RunningProgram.too_much` says of what
    ABORTED = auto()
    TIMED_OUT = auto()
    RESTART = auto()  # a reboot or metamorph
    STOPPED = auto()  # the worker is to stop
    EXPOSED = auto()  # others reach the deployment, and it is not isolated; `ProgramSupervisor.why_exposed` says so
    LOST = auto()  # the job is not this worker's any more


class Leaving:
    """The end of a program, from the moment when it was wanted. `outcome` says why."""

    def __init__(self, program: RunningProgram, outcome: Outcome, kill_at: float, events: RunEvents | None) -> None:
        self.outcome = outcome
        self.is_asked = False
        self._program = program
        self._events = events if events is not None and events.is_heard else None
        self._kill_at = kill_at
        self._ask_at = time.monotonic()
        self._saved_by: float | None = None
        if self._events is not None and self._ask_at < kill_at and outcome is not Outcome.RESTART:
            self._ask_at = min(self._ask_at + settings.WORKER_EVENT_GRACE_SECS, kill_at)
            self._tell(self._events)

    def is_over(self, kill_at: float) -> bool:
        """Do what is due, and return whether the program is to be killed now; `kill_at` may only bring that forward."""
        self._kill_at = min(self._kill_at, kill_at)
        now = time.monotonic()
        if now < self._kill_at and now >= self._ask_at and not self.is_asked:
            self._save_and_ask(now)
        return now >= self._kill_at

    def _tell(self, events: RunEvents) -> None:
        if self.outcome is Outcome.STOPPED:
            events.tell_migrating(settings.WORKER_EVENT_GRACE_SECS)
        elif self.outcome is Outcome.ABORTED:
            events.tell_aborting()
        else:
            events.tell_to_save(is_migrating=False)

    def _save_and_ask(self, now: float) -> None:
        """Tell the program to save its state, and ask it to end once it has, or in a second."""
        if self._saved_by is None:
            self._saved_by = now
            if self._events is not None and self._events.is_heard:
                self._saved_by += _SAVING_SECONDS
                self._events.tell_to_save(is_migrating=self.outcome is Outcome.STOPPED)
                return
        if now < self._saved_by and self._events is not None and not self._events.has_saved():
            return
        self.is_asked = True
        if self.outcome is Outcome.RESTART:
            self._kill_at = -math.inf
            return
        self._program.terminate()
        if self.outcome is Outcome.STOPPED:
            self._kill_at = now + _STOPPING_SECONDS
