"""A process of its own that works on a queue until it is finished: `queue_worker.py DATABASE QUEUE_ID NAME`.

It locks the head in pieces, adds what each request leads to, handles it, and at last prints what it was handed.
A queue that is gone ends it with 3.
A `NAME` that begins with "endless" makes it a worker that leads from every request to another one, and so never ends.
`NAME` "doomed" makes it a worker that locks a piece and is killed before it has handled any of it, two hours ago.
"""

# ruff: noqa: E402  (Django must be set up before anything is imported that needs it)
import json
import os
import signal
import sys
from datetime import timedelta

import django
from django.conf import settings

from accounts.lib.timestamps import milliseconds

DATABASE, QUEUE_ID, NAME = sys.argv[1:]
settings.DATABASES["default"]["NAME"] = DATABASE
django.setup()

from resources.request_queues import clock, head, writing
from resources.request_queues.clients import Client
from resources.request_queues.errors import QueueGone
from resources.request_queues.structs import NewRequest

PIECE = 10
GONE = 3
CLIENT = Client("worker", NAME)


def found_by(number: int) -> list[NewRequest]:
    """Return what a page leads to: every third to one of its own, and to one that others lead to as well."""
    if NAME.startswith("endless"):
        return [NewRequest(f"page {number + 1_000_000}", f"https://example.com/{number + 1_000_000}")]
    if number >= 10_000 or number % 3:
        return []
    numbers = (10_000 + number, 100_000 + number // 30)
    return [NewRequest(f"page {each}", f"https://example.com/{each}") for each in numbers]


def work() -> list[int]:
    """Work until there is nothing left, and return the numbers of all requests that were handed to this worker."""
    handed: list[int] = []
    while True:
        taken = head.lock_head(QUEUE_ID, PIECE, timedelta(minutes=10), client=CLIENT)
        if not taken.requests and not taken.has_locked:
            return handed
        for request in taken.requests:
            number = int(request.url.rpartition("/")[2])
            handed.append(number)
            writing.add(QUEUE_ID, found_by(number), client=CLIENT, forefront=number % 2 == 0)
            done = NewRequest(request.unique_key, request.url, handled_at=milliseconds(clock.now()))
            writing.replace(QUEUE_ID, request.id, done, client=CLIENT)


def doomed() -> None:
    """Lock a piece for an hour, two hours ago, and die."""
    then = clock.now() - timedelta(hours=2)
    clock.now = lambda: then
    head.lock_head(QUEUE_ID, PIECE, timedelta(hours=1), client=CLIENT)
    os.kill(os.getpid(), signal.SIGKILL)


if NAME == "doomed":
    doomed()
try:
    print(json.dumps(work()))
except QueueGone:
    sys.exit(GONE)
