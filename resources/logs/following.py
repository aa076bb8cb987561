"""Following the log of a job: what there is, then what is added, until the job has finished or the client has left.

It is given in whole lines, and as UTF-8, also where it was written before this was seen to: clients that decode what
has come so far must not fail.
"""

import re
import time
from collections.abc import Callable, Iterator

from django.db import connection

from resources.jobs.status import FINISHED
from resources.kinds import Kind
from resources.logs.reading import read_some
from resources.logs.utf8 import as_utf8
from resources.models import Build, Run

# How much is held in memory at a time, and how long to wait before looking again.
PORTION = 256 * 1024
_FIRST_PAUSE, _GROWTH, _LONGEST_PAUSE = 0.2, 1.5, 1.0

# What terminals understand: colours, movements of the cursor, titles of windows. None of it goes over a line's end.
_ESCAPES = re.compile(
    rb"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b\n]*(?:\x07|\x1b\\)?|[PX^_][^\x1b\n]*(?:\x1b\\)?|[ -/]*[0-~])?"
)
_UNPRINTABLE = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")

sleep = time.sleep


def whole(job_id: str) -> Iterator[bytes]:
    """Yield what the log holds now, and of what is added meanwhile no more than is there when one gets to it."""
    at = 0
    while data := portion(job_id, at):
        at += len(data)
        let_go()
        yield as_utf8(data)


def follow(job_id: str, kind: Kind, still_wanted: Callable[[], bool]) -> Iterator[bytes]:
    """Yield what the log holds, and what is added to it until the job has finished or is not `still_wanted`.

    While there is nothing new it yields nothing but empty pieces, so that its reader can stop.

    Neither a transaction nor a connection is held while its reader takes their time, or while there is nothing new.
    """
    at, pause = 0, _FIRST_PAUSE
    while True:
        is_over = has_finished(job_id, kind)  # asked first: what was written before the end is there after it
        while data := portion(job_id, at):
            at, pause = at + len(data), _FIRST_PAUSE
            let_go()
            yield as_utf8(data)
        if is_over or not still_wanted():
            return
        let_go()
        yield b""
        sleep(pause)
        pause = min(pause * _GROWTH, _LONGEST_PAUSE)


def printable(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the same log without what only a terminal understands, as `Printable` does."""
    lines = Printable()
    for piece in pieces:
        if not piece:
            yield b""
        if data := lines.add(piece):
            yield data
    if rest := lines.end():
        yield rest


class Printable:
    """A log without what only a terminal understands. Pieces may break off anywhere; lines are kept whole.

    A line that is longer than PORTION is taken to be several.
    """

    def __init__(self) -> None:
        self._rest = b""

    def add(self, piece: bytes) -> bytes:
        """Take what comes next, and return what is whole."""
        lines, end, self._rest = (self._rest + piece).rpartition(b"\n")
        if not end and len(self._rest) > PORTION:
            lines, self._rest = self._rest, b""
        return _UNPRINTABLE.sub(b"", _ESCAPES.sub(b"", lines + end))

    def end(self) -> bytes:
        """Return what is left: a line that has no end."""
        rest, self._rest = self._rest, b""
        return _UNPRINTABLE.sub(b"", _ESCAPES.sub(b"", rest))


def portion(job_id: str, start: int) -> bytes:
    """Return what the log holds from byte `start` on, PORTION of it at most: whole lines, where one is not larger."""
    data = read_some(job_id, start, PORTION)
    return data[: data.rfind(b"\n") + 1] or data


def has_finished(job_id: str, kind: Kind) -> bool:
    """Tell whether nothing is added to a job's log any more: it has finished, or been deleted."""
    jobs = Build.objects if kind is Kind.BUILD else Run.objects
    status = jobs.filter(pk=job_id).values_list("status", flat=True).first()
    return status is None or status in FINISHED


def let_go() -> None:
    """Close the database connection: a client that reads slowly, or waits, needs none."""
    if not connection.in_atomic_block:
        connection.close()
