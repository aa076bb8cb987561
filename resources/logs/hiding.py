"""Keeping what is secret out of logs: a value becomes asterisks, wherever it is in what was printed."""

import json
import re
from collections.abc import Iterable, Iterator

HIDDEN = b"********"
# Shorter ones are words and numbers as they come up everywhere, and a log with them hidden could not be read any more.
MIN_CHARACTERS = 6


class Redactor:
    """The values that are not to be seen. A value of several lines is hidden line by line, for so it is printed."""

    def __init__(self, values: Iterable[str] = ()) -> None:
        self._values: set[bytes] = set()
        self.longest = 0
        self.add(values)

    def add(self, values: Iterable[str]) -> None:
        """Hide these too, from now on."""
        self._values.update(form.encode(errors="replace") for value in values for form in _forms(value))
        self.longest = max(map(len, self._values), default=0)

    def hide(self, text: bytes) -> bytes:
        """Return `text`, one line or many, with asterisks for the values."""
        spans = self._spans(text)
        if not spans:
            return text
        parts, at = [], 0
        for start, end in spans:
            parts += [text[at:start], HIDDEN]
            at = end
        return b"".join([*parts, text[at:]])

    def cut(self, text: bytes, at: int) -> tuple[bytes, bytes]:
        """Return what is before `at` with the values hidden, and the rest as it is; no value is cut into two.

        What begins before `at` has to be there whole: `text` is at least `longest` bytes longer.
        """
        for start, end in self._spans(text):
            if start < at < end:
                at = end
        return self.hide(text[:at]), text[at:]

    def _spans(self, text: bytes) -> list[tuple[int, int]]:
        """Return where the values are, in order; those that overlap are one."""
        merged: list[tuple[int, int]] = []
        for start, end in sorted(span for value in self._values for span in _places(value, text)):
            if merged and start < merged[-1][1]:
                merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
            else:
                merged.append((start, end))
        return merged


def _forms(value: str) -> Iterator[str]:
    """Yield the lines of a value, as they are and as they are within JSON, each without the space around it."""
    for each in re.split(r"[\r\n]", value):
        line = each.strip()
        if len(line) >= MIN_CHARACTERS:
            yield line
            yield json.dumps(line)[1:-1]
            yield json.dumps(line, ensure_ascii=False)[1:-1]


def _places(value: bytes, text: bytes) -> Iterator[tuple[int, int]]:
    at = text.find(value)
    while at >= 0:
        yield at, at + len(value)
        at = text.find(value, at + len(value))
