"""Limit the work before the first byte of an answer.

A server notices that a reader has left when it writes. What is worked at without writing is therefore bounded, by
what is read for it: unwinding several fields multiplies, and a few bytes could keep a worker busy for years.
"""

from collections.abc import Callable, Iterator

from accounts.lib.api_errors import invalid_value

# An item can always become this many records, and as many more as it has bytes: what does not multiply has fewer.
MAX_RECORDS = 10_000
# Work that can always be done without writing; beyond it, it must not be more than there were bytes to read.
MAX_SILENT = 1_000_000
# After so much of it, it is asked now and then whether the client is still connected.
UNASKED = 10_000


class ReaderGone(BrokenPipeError):
    """The client has disconnected."""


class WorkLimit:
    """What has been done for an answer since something of it was last written: items read and records made."""

    def __init__(self, still_wanted: Callable[[], bool]) -> None:
        self._still_wanted = still_wanted
        self._silent = self._ask_at = 0
        self._allowed = MAX_SILENT
        self._left_of_item = 0
        self.wrote()

    def wrote(self) -> None:
        """Note that something is written."""
        self._silent, self._ask_at = 0, UNASKED

    def read(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        """Give lines of items as they come, counted.

        Raises:
            ReaderGone: when nothing has been written for long and the client has disconnected.
        """
        for lines in pieces:
            self._allowed += len(lines)
            self._add(lines.count(b"\n"))
            yield lines

    def begin(self, size: int) -> None:
        """Note that what follows is done for the next item, which has `size` bytes."""
        self._left_of_item = max(MAX_RECORDS, size)

    def make(self, count: int) -> None:
        """Note that `count` records are about to be made.

        Raises:
            ApiError: `invalid-value` for `unwind`, when they are more than one should have to make.
            ReaderGone: when nothing has been written for long and the client has disconnected.
        """
        self._left_of_item -= count
        if self._left_of_item < 0:
            raise invalid_value("unwind", f"it would multiply an item beyond {MAX_RECORDS} records.")
        self._add(count)

    def _add(self, count: int) -> None:
        self._silent += count
        if self._silent > self._allowed:
            raise invalid_value("unwind", "the items would become too many records of which nothing is left.")
        if self._silent >= self._ask_at:
            self._ask_at = self._silent + UNASKED
            if not self._still_wanted():
                raise ReaderGone
