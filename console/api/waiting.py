"""Waiting for a build or run to finish, on behalf of a client that asked to be answered then.

The row is looked at again and again, at first twice a second and then less often. No transaction is held meanwhile, and
no connection either: a client that waits costs a thread and nothing of the database.
"""

import re
import time

from django.db import connection
from django.http import HttpRequest, QueryDict

from accounts.errors import invalid_value
from console.api.presence import still_there
from resources.jobs import FINISHED
from resources.kinds import Kind
from resources.models import Build, Run
from sharing.refusals import not_found

MAX_SECONDS = 60.0
_FIRST_PAUSE, _GROWTH, _LONGEST_PAUSE = 0.5, 1.2, 3.0
_NUMBER = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,9})?\Z", re.ASCII)

clock = time.monotonic
sleep = time.sleep


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


def until_finished(request: HttpRequest, job: Build | Run, seconds: float) -> bool:
    """Wait until a build or run has finished, at most for so many seconds, and return whether it has.

    `job` is what it is in the database afterwards. A client that closes the connection is not waited for any longer.

    Raises:
        ApiError: 404 when the job was deleted meanwhile.
    """
    deadline, pause = clock() + seconds, _FIRST_PAUSE
    kind = Kind(job.kind)
    waited = False
    status: str | None = job.status
    while status not in FINISHED and (left := deadline - clock()) > 0 and still_there(request):
        if not connection.in_atomic_block:
            connection.close()
        sleep(min(pause, left))
        waited, pause = True, min(pause * _GROWTH, _LONGEST_PAUSE)
        status = _status_of(job.pk, kind)
        if status is None:
            raise not_found(kind)
    if waited:
        _refresh(job, kind)
    return status in FINISHED


def _status_of(job_id: str, kind: Kind) -> str | None:
    jobs = Build.objects if kind is Kind.BUILD else Run.objects
    return jobs.filter(pk=job_id).values_list("status", flat=True).first()


def _refresh(job: Build | Run, kind: Kind) -> None:
    try:
        job.refresh_from_db()
    except (Build.DoesNotExist, Run.DoesNotExist):
        raise not_found(kind) from None
