"""What a job prints, on its way into its log: cut into lines, each with its time, written in batches.

A reader of a log is not told what the Actor was given to keep to itself: that is hidden once the line is together,
in however many pieces it was printed.
"""

import time
from collections.abc import Iterable

from django.db import DatabaseError
from django.utils import timezone

from accounts.lib.timestamps import iso
from resources.logs import writing
from resources.logs.hiding import Redactor
from resources.logs.utf8 import start_of_character

MAX_LINE_BYTES = 32 * 1024
# An Actor that prints a lot is one transaction in so many seconds, or for so many bytes, and not one for each line.
EVERY_SECONDS = 0.2
BATCH_BYTES = 256 * 1024


class Lines:
    """The log of one job. What the database does not take now is tried again with the next batch."""

    def __init__(self, job_id: str) -> None:
        self._job_id = job_id
        self._hidden = Redactor()
        self._rest = b""
        self._batch = bytearray()
        self._written_at = 0.0

    def hide(self, values: Iterable[str]) -> None:
        """Hide these values from now on, in addition to those that are hidden already."""
        self._hidden.add(values)

    def hidden(self, text: str) -> str:
        """Return a text that is to be read elsewhere than in the log as it may be read there."""
        return self._hidden.hide(text.encode(errors="replace")).decode()

    def feed(self, printed: bytes) -> None:
        """Take what was printed, which may end within a line."""
        whole, end, self._rest = (self._rest + printed).rpartition(b"\n")
        if end:
            self._add_whole(whole)
        while len(self._rest) > MAX_LINE_BYTES + self._hidden.longest:
            line, self._rest = self._hidden.cut(self._rest, start_of_character(self._rest, MAX_LINE_BYTES))
            self._add(line)

    def note(self, text: str) -> None:
        """Add a line of the worker's own."""
        self._add(self._hidden.hide(f"ACTOR: {text}".encode(errors="replace")))

    def write(self, *, now: bool = False) -> None:
        """Write the batch if it is time to, or in any case with `now`."""
        due = time.monotonic() - self._written_at >= EVERY_SECONDS or len(self._batch) >= BATCH_BYTES
        if not self._batch or not (due or now):
            return
        try:
            self._save()
        except DatabaseError:
            if len(self._batch) > writing.MAX_LOG_BYTES:
                raise

    def end(self) -> None:
        """Write everything that is left, a line without its end too."""
        self._end_line()
        self.write(now=True)

    def finish(self) -> None:
        """Write everything that is left, as the last that is written.

        Raises:
            DatabaseError: when the database does not take it; it can be tried again.
        """
        self._end_line()
        if self._batch:
            self._save()

    def _save(self) -> None:
        writing.append(self._job_id, bytes(self._batch))
        self._batch.clear()
        self._written_at = time.monotonic()

    def _end_line(self) -> None:
        if self._rest:
            self._add_whole(self._rest)
            self._rest = b""

    def _add_whole(self, lines: bytes) -> None:
        for line in self._hidden.hide(lines).split(b"\n"):
            self._add(line)

    def _add(self, line: bytes) -> None:
        self._batch += iso(timezone.now()).encode() + b" " + line.rstrip(b"\r") + b"\n"
