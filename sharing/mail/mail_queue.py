"""E-mails that leave after the commit, from a thread of their own, so that no response waits for a mail server.

The queue is bounded: a mail server that hangs costs e-mails, which are logged, and never memory or a response.
"""

import atexit
import contextlib
import logging
import threading
from functools import partial
from queue import Full, Queue

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import connection, transaction

logger = logging.getLogger(__name__)

CAPACITY = 1000
SECONDS_TO_EMPTY_AT_EXIT = 10.0


def send_on_commit(message: EmailMessage) -> None:
    """Send `message` once the current transaction is committed; not at all when it is rolled back."""
    transaction.on_commit(partial(_outbox.put, message), robust=True)


class Outbox:
    """A bounded queue and the thread that empties it, which starts with the first e-mail."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._queue: Queue[EmailMessage | None] = Queue(capacity)
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def put(self, message: EmailMessage) -> None:
        """Queue a message and return at once; one that finds the queue full is logged and given up."""
        if not settings.EMAILS_LEAVE_IN_BACKGROUND:
            _send(message)
            return
        try:
            self._queue.put_nowait(message)
        except Full:
            logger.error("An e-mail was given up, %d are waiting already: %s", self._queue.maxsize, message.subject)
            return
        self._start()

    def close(self) -> None:
        """Send what is waiting, for a limited time, before the process ends."""
        if self._thread is None or not self._thread.is_alive():
            return
        with contextlib.suppress(Full):
            self._queue.put(None, timeout=SECONDS_TO_EMPTY_AT_EXIT)
            self._thread.join(SECONDS_TO_EMPTY_AT_EXIT)

    def _start(self) -> None:
        with self._lock:
            # A process that was forked has the object, but not the thread.
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._empty, name="outbox", daemon=True)
                self._thread.start()

    def _empty(self) -> None:
        while (message := self._queue.get()) is not None:
            _send(message)
            connection.close()  # the backend may have asked the database; a thread that waits needs no connection


def _send(message: EmailMessage) -> None:
    try:
        message.send()
    except Exception:  # whatever a mail server does wrong, the access has been given and stays given
        logger.exception("An e-mail could not be sent: %s", message.subject)


_outbox = Outbox()
atexit.register(_outbox.close)
