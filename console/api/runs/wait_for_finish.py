"""Waiting for a build or run to finish, on behalf of a client that asked to be answered then.

On our own server a client that waits costs some memory and no thread (console/http/parking.py). On others it costs a
thread: the row is looked at again and again, at first twice a second and then less often, and no transaction is held
meanwhile, and no connection either. The slots for waiting are limited, there so that some threads are left for the
calls of the runs themselves. One account, or one address of anonymous clients, gets some of the slots and not all.
"""

import re
import threading
import time
from collections import Counter
from http import HTTPStatus
from typing import Self

from django.conf import settings
from django.db import connection
from django.http import HttpRequest, HttpResponseBase, QueryDict

from accounts.enumeration import client_key
from accounts.lib.api_errors import ApiError, invalid_value
from accounts.request_types import ApiRequest
from console.api.runs.job_stays import JobWait, Then, refresh
from console.http.disconnect import is_connected
from console.http.parking import Parked, can_park
from resources.jobs.status import FINISHED
from resources.kinds import Kind
from resources.models import Build, Run
from sharing.enforcement.reauthorize import reauthorize_after_delay
from sharing.enforcement.refusals import not_found_error

MAX_SECONDS = 60.0
_FIRST_PAUSE, _GROWTH, _LONGEST_PAUSE = 0.5, 1.2, 3.0
_NUMBER = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,9})?\Z", re.ASCII)

clock = time.monotonic
sleep = time.sleep


class WaitSlot:
    """One of a limited number of slots for waiting clients."""

    _lock = threading.Lock()
    _taken: Counter[str] = Counter()  # by client; a client without a slot is not in it

    def __init__(self, request: ApiRequest) -> None:
        self._who = client_key(request, request.principal)
        all_slots, of_one = (
            (settings.WAITING_CLIENTS, settings.WAITING_CLIENTS_OF_ONE)
            if can_park(request)
            else (settings.WAITING_THREADS, settings.WAITING_THREADS_OF_ONE)
        )
        with self._lock:
            self._is_taken = self._taken.total() < all_slots and self._taken[self._who] < of_one
            if self._is_taken:
                self._taken[self._who] += 1

    @property
    def is_taken(self) -> bool:
        """Whether there was one free."""
        return self._is_taken

    def leave(self) -> None:
        """Release the slot; a second call does nothing."""
        with self._lock:
            if self._is_taken:
                self._is_taken = False
                self._taken[self._who] -= 1
                if not self._taken[self._who]:
                    del self._taken[self._who]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.leave()


def enter(request: ApiRequest) -> WaitSlot:
    """Take a slot, which the caller releases with `leave`.

    Raises:
        ApiError: 429 when no slot is free for this client; clients try again.
    """
    slot = WaitSlot(request)
    if not slot.is_taken:
        raise ApiError(
            HTTPStatus.TOO_MANY_REQUESTS, "rate-limit-exceeded", "Too many clients are waiting for runs. Try again."
        )
    return slot


def seconds_to_wait(query: QueryDict) -> float:
    """Return for how many seconds the client asks to be kept waiting by `waitForFinish`, at most 60.

    Raises:
        ApiError: 400 when it is not a number of seconds.
    """
    text = query.get("waitForFinish", "")
    if text == "":
        return 0.0
    if not _NUMBER.match(text):
        raise invalid_value("waitForFinish", "it must be a number of seconds from 0 to 60.")
    return min(float(text), MAX_SECONDS)


def when_finished(request: ApiRequest, job: Build | Run, seconds: float, then: Then) -> HttpResponseBase:
    """Return what `then` answers when a build or run has finished, or so many seconds have passed.

    `then` is called with whether it has finished, and `job` is up to date by then. Where too many clients wait, or too
    many of the same account, the answer comes at once.

    Raises:
        ApiError: 404 when the job was deleted meanwhile.
        Parked: where our own server answers later.
    """
    if job.status in FINISHED or seconds <= 0:
        return then(job.status in FINISHED)
    slot = WaitSlot(request)
    return answer_later(request, job, seconds, slot, then) if slot.is_taken else then(False)


def answer_later(request: ApiRequest, job: Build | Run, seconds: float, slot: WaitSlot, then: Then) -> HttpResponseBase:
    """Answer as `when_finished` does, for a request that has a slot, which is released when it has waited."""
    if can_park(request):
        raise Parked(JobWait(request, job, seconds, then, slot.leave))
    with slot:
        has_finished = wait(request, job, seconds)
    return then(has_finished)


def wait(request: HttpRequest, job: Build | Run, seconds: float) -> bool:
    """Wait in this thread until a build or run has finished, at most for so many seconds; return whether it has.

    A client that closes the connection is not waited for any longer. The request is judged again after the wait.

    Raises:
        NoLongerAllowed: when the request is no longer allowed.
        ApiError: 404 when the job was deleted meanwhile.
    """
    deadline, pause = clock() + seconds, _FIRST_PAUSE
    kind = Kind(job.kind)
    waited = False
    status: str | None = job.status
    while status not in FINISHED and (left := deadline - clock()) > 0 and is_connected(request):
        if not connection.in_atomic_block:
            connection.close()
        sleep(min(pause, left))
        waited, pause = True, min(pause * _GROWTH, _LONGEST_PAUSE)
        status = _load_status(job.pk, kind)
        if status is None:
            raise not_found_error(kind)
    if waited:
        reauthorize_after_delay(request)
        refresh(job)
    return status in FINISHED


def _load_status(job_id: str, kind: Kind) -> str | None:
    jobs = Build.objects if kind is Kind.BUILD else Run.objects
    return jobs.filter(pk=job_id).values_list("status", flat=True).first()
