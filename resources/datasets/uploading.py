"""From an uploaded file to items: JSON, JSON Lines or CSV, read piece by piece, all of it or nothing.

The file is read twice. The first time everything in it is checked, and an error names its line; only then are the
items pushed, in one transaction that is as short as it can be. Neither takes more memory than a few pushes.
"""

import csv
import re
from _csv import Reader
from collections.abc import Callable, Iterable, Iterator
from typing import BinaryIO, Final

import msgspec
from django.db import transaction

from resources.datasets.errors import InvalidItems, ItemsBreakSchema, SchemaTakesTooMuch
from resources.datasets.parse_items import parse_items
from resources.datasets.validator.processes import Busy
from resources.datasets.writing import check_by_schema, push

# What one item may have, and what is pushed at a time.
MAX_ITEM_BYTES: Final = 9 * 1024 * 1024
BATCH_BYTES: Final = 4 * 1024 * 1024
READ_BYTES: Final = 1024 * 1024
_BOM = b"\xef\xbb\xbf"
_DELIMITERS = ",;\t|"
_QUOTED = re.compile(r'"[^"]*"')

# The reader of CSV knows one limit for a whole process, and its usual one is smaller than what an item may have.
csv.field_size_limit(MAX_ITEM_BYTES)

Numbered = Iterator[tuple[int, bytes]]


class InvalidFile(ValueError):
    """A file that cannot be added; the message says what is wrong, and on which line."""


def add_file(dataset_id: str, file: BinaryIO, format_: str) -> int:
    """Append the items of a file and return how many they are.

    Args:
        dataset_id: the dataset.
        file: the file; it must be possible to go back to its start.
        format_: a name of `READERS`.

    Raises:
        InvalidFile: when anything in it is no item. Nothing is stored.
        DatasetGone: when there is no such dataset (any more). Nothing is stored.
    """
    items = 0
    for batch in _batches(file, format_):
        _check(batch)
        _check_by_schema(dataset_id, batch)
        items += len(batch)
    if not items:
        raise InvalidFile("The file holds no items.")
    with transaction.atomic():
        return sum(push(dataset_id, _array(batch), is_checked=True) for batch in _batches(file, format_))


def _check_by_schema(dataset_id: str, batch: list[tuple[int, bytes]]) -> None:
    try:
        check_by_schema(dataset_id, parse_items(_array(batch)).items)
    except (ItemsBreakSchema, SchemaTakesTooMuch, Busy) as error:
        raise InvalidFile(str(error)) from None


def _batches(file: BinaryIO, format_: str) -> Iterator[list[tuple[int, bytes]]]:
    """Give the items, each with its line, in batches of bounded size."""
    file.seek(len(_BOM) if _starts_with_mark(file) else 0)
    batch: list[tuple[int, bytes]] = []
    size = 0
    for line, item in READERS[format_](file):
        batch.append((line, item))
        size += len(item)
        if size >= BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _starts_with_mark(file: BinaryIO) -> bool:
    file.seek(0)
    return file.read(len(_BOM)) == _BOM


def _array(batch: list[tuple[int, bytes]]) -> bytes:
    return b"[%b]" % b",".join(item for _, item in batch)


def _check(batch: list[tuple[int, bytes]]) -> None:
    try:
        if len(parse_items(_array(batch)).items) == len(batch):
            return
    except InvalidItems:
        pass  # which of them it is, each says for itself
    for line, item in batch:
        try:
            parse_items(item)
        except InvalidItems as error:
            problem = str(error).replace("The body", "the item").replace("The item at position 0", "the item")
            raise InvalidFile(f"Line {line:,}: {problem}") from None
    raise InvalidFile(f"The items from line {batch[0][0]:,} on are not valid JSON.")


def _lines(file: BinaryIO) -> Numbered:
    number = 0
    while line := file.readline(MAX_ITEM_BYTES + 1):
        number += 1
        if len(line) > MAX_ITEM_BYTES:
            raise InvalidFile(f"Line {number:,}: it is longer than {MAX_ITEM_BYTES // 1024**2} MB.")
        yield number, line


def _read_json_lines(file: BinaryIO) -> Numbered:
    for number, line in _lines(file):
        item = line.strip()
        if not item:
            continue
        if not item.startswith(b"{"):
            raise InvalidFile(f"Line {number:,}: it is not a JSON object.")
        yield number, item


def _read_csv(file: BinaryIO) -> Numbered:
    """Give each row as an object of texts, called by the titles in the first row."""
    lines = _decoded(file)
    first = next(lines, "")
    delimiter = max(_DELIMITERS, key=_QUOTED.sub("", first).count)
    reader = csv.reader(_before(first, lines), delimiter=delimiter, strict=True)
    rows = _rows(reader)
    titles = _titles(next(rows, (1, []))[1])
    for line, row in rows:
        if len(row) > len(titles):
            raise InvalidFile(f"Line {line:,}: it has {len(row):,} cells, but there are {len(titles):,} titles.")
        yield line, msgspec.json.encode(dict(zip(titles, row, strict=False)))


def _decoded(file: BinaryIO) -> Iterator[str]:
    for number, line in _lines(file):
        try:
            yield line.decode()
        except UnicodeDecodeError:
            raise InvalidFile(f"Line {number:,}: it is not UTF-8. Save the file as CSV in UTF-8.") from None


def _before(first: str, rest: Iterator[str]) -> Iterator[str]:
    yield first
    yield from rest


def _rows(reader: Reader) -> Iterator[tuple[int, list[str]]]:
    """Give the rows that have anything in them, each with the line on which it begins."""
    while True:
        line = reader.line_num + 1
        try:
            row = next(reader, None)
        except csv.Error as error:
            raise InvalidFile(f"Line {reader.line_num:,}: {error}.") from None
        if row is None:
            return
        if row:
            yield line, row


def _titles(row: list[str]) -> list[str]:
    titles = [title.strip() for title in row]
    if not any(titles):
        raise InvalidFile("Line 1: the first row has to name the fields.")
    for at, title in enumerate(titles):
        if not title:
            raise InvalidFile(f"Line 1: column {at + 1:,} has no title.")
        if title in titles[:at]:
            raise InvalidFile(f"Line 1: there are two columns with the title “{title[:80]}”.")
    return titles


def _read_json(file: BinaryIO) -> Numbered:
    """Give the elements of an array one by one, or the one object that the file is."""
    pieces = _Pieces(file)
    pieces.fill()
    start = pieces.skip_space()
    if start == b"[":
        yield from pieces.elements()
    elif start == b"{":
        yield pieces.rest()
    else:
        raise InvalidFile(f"Line {pieces.line:,}: the file must be a JSON array of objects, or one object.")


# Simple patterns, stepped from match to match: what would do it in one goes wrong in Python 3.11.2.
_BRACKET_OR_TEXT = re.compile(rb'["\[\]{}]')
_QUOTE_OR_ESCAPE = re.compile(rb'["\\]')
_SPACE = re.compile(rb"[ \t\r\n]*")
_COMMA = re.compile(rb"[ \t\r\n]*,[ \t\r\n]*\Z")


class _Pieces:
    """A window on a file of JSON, moved forward element by element; `line` is that of the window's start."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._bytes = b""
        self.line = 1

    def fill(self) -> bool:
        """Add to the window; False at the end of the file."""
        if len(self._bytes) > MAX_ITEM_BYTES:
            raise InvalidFile(f"Line {self.line:,}: the item is larger than {MAX_ITEM_BYTES // 1024**2} MB.")
        piece = self._file.read(READ_BYTES)
        self._bytes += piece
        return bool(piece)

    def _drop(self, count: int) -> bytes:
        dropped, self._bytes = self._bytes[:count], self._bytes[count:]
        self.line += dropped.count(b"\n")
        return dropped

    def skip_space(self) -> bytes:
        """Move to what is no space and return the byte that is there; nothing at the end."""
        while True:
            found = _SPACE.match(self._bytes)
            self._drop(found.end() if found else 0)
            if self._bytes or not self.fill():
                return self._bytes[:1]

    def rest(self) -> tuple[int, bytes]:
        """Return all that is left, as one item."""
        while self.fill():
            pass
        return self.line, self._bytes

    def elements(self) -> Numbered:
        """Give the elements of the array that begins here."""
        self._drop(1)
        is_first = True
        while True:
            between = self._between()
            if self._bytes[:1] == b"]":
                if between.strip():
                    raise InvalidFile(f"Line {self.line:,}: the array ends with something that is not a JSON object.")
                self._drop(1)
                if self.skip_space():
                    raise InvalidFile(f"Line {self.line:,}: something follows the array.")
                return
            is_separated = not between.strip() if is_first else _COMMA.match(between)
            if self._bytes[:1] != b"{" or not is_separated:
                raise InvalidFile(f"Line {self.line:,}: every item must be a JSON object, with a comma in between.")
            is_first = False
            line = self.line
            yield line, self._drop(self._end_of_object())

    def _between(self) -> bytes:
        """Move to the next bracket and return what stands before it."""
        return self._drop(self._next_bracket(0))

    def _end_of_object(self) -> int:
        depth, at = 0, 0
        while True:
            at = self._next_bracket(at)
            depth += 1 if self._bytes[at : at + 1] in (b"{", b"[") else -1
            at += 1
            if depth == 0:
                return at

    def _next_bracket(self, at: int) -> int:
        """Return where the next bracket stands that is in no text, from `at` on."""
        while True:
            found = _BRACKET_OR_TEXT.search(self._bytes, at)
            if found and found[0] != b'"':
                return found.start()
            end = self._end_of_text(found.end()) if found else None
            if end is not None:
                at = end
                continue
            at = found.start() if found else len(self._bytes)
            if not self.fill():
                line = self.line + self._bytes.count(b"\n")
                raise InvalidFile(f"Line {line:,}: the file ends too early.")

    def _end_of_text(self, at: int) -> int | None:
        """Return where the text ends whose first byte is at `at`; None when it does not end in the window."""
        while found := _QUOTE_OR_ESCAPE.search(self._bytes, at):
            if found[0] == b'"':
                return found.end()
            at = found.end() + 1
        return None


READERS: dict[str, Callable[[BinaryIO], Iterable[tuple[int, bytes]]]] = {
    "json": _read_json,
    "jsonl": _read_json_lines,
    "csv": _read_csv,
}
