"""From a range of items to the chunks that hold it, a bounded number at a time.

The first statement brings what is known of the dataset and the first chunks of the range together, so a page costs
one statement. A longer range goes on from the offset that it has reached, statement by statement: what is
merged in the meantime holds the same items at the same offsets, and no transaction stays open for long.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from accounts.lib.sql import Statement
from resources.datasets import chunks
from resources.datasets.errors import DatasetGone

# How many chunks a statement brings, and how large one may be, compressed, to come with others.
ROWS = 32
LARGE_BYTES = 256 * 1024
# An answer up to this size, as JSON, is made in one piece.
SMALL_BYTES = 4 * 1024 * 1024

# Beyond every offset that there can be, and still far from the end of a 64-bit integer.
NO_END = 1 << 60


@dataclass(frozen=True, slots=True)
class Window:
    """Which items are asked for: `limit` of them (None: all that there are) after leaving out `offset`."""

    offset: int = 0
    limit: int | None = None
    desc: bool = False


@dataclass(frozen=True, slots=True)
class Slice:
    """The items from one chunk that are wanted: which bytes of it, and its compressed bytes unless they are large."""

    first: int
    count: int
    start: int
    end: int
    data: bytes | None

    def lines(self) -> bytes:
        """Return the items, each followed by a line feed."""
        assert self.data is not None  # noqa: S101  # large ones are fetched before they are handed out
        return chunks.read_lines(self.data, self.start, self.end)


@dataclass(slots=True)
class Scan:
    """A range of a dataset's items, and the chunks of it that the first statement brought.

    The range is from item `low` to before item `high`, counted in the order in which they were pushed, whatever
    the direction in which it is read. `stored_bytes` is the size of all items of the dataset, without anything
    between them, as of the same moment as `total`.
    """

    dataset_id: str
    desc: bool
    total: int
    stored_bytes: int
    fields: list[str]
    fields_are_columns: bool
    low: int
    high: int
    fetched: list[Slice] = field(default_factory=list)

    @property
    def count(self) -> int:
        """How many items the range has."""
        return self.high - self.low

    @property
    def small(self) -> bool:
        """Whether all of the range is at hand and is worth answering in one piece."""
        return (
            sum(part.count for part in self.fetched) == self.count
            and all(part.data is not None for part in self.fetched)
            and sum(part.end - part.start for part in self.fetched) <= SMALL_BYTES
        )

    def slices(self) -> Iterator[Slice]:
        """Give the range chunk by chunk, in constant memory; can be called again.

        Raises:
            DatasetGone: when the dataset is deleted before the range has ended.
        """
        low, high, parts = self.low, self.high, self.fetched
        while low < high:
            if not parts:
                raise DatasetGone(self.dataset_id)
            for part in parts:
                whole = self._with_data(part)
                yield whole
                if self.desc:
                    high = whole.first
                else:
                    low = whole.first + whole.count
            parts = self._fetch(low, high, ROWS, LARGE_BYTES) if low < high else []

    def _with_data(self, part: Slice) -> Slice:
        if part.data is not None:
            return part
        found = self._fetch(part.first, part.first + part.count, 1, NO_END)
        if not found:
            raise DatasetGone(self.dataset_id)
        return found[0]

    def _fetch(self, low: int, high: int, rows: int, large: int) -> list[Slice]:
        statement = _FURTHER_BACKWARDS if self.desc else _FURTHER
        parameters = [large, self.dataset_id, low, self.dataset_id, high, high, rows]
        return [_slice(row, low, high) for row in statement.rows(parameters)]


def scan(dataset_id: str, window: Window) -> Scan:
    """Find the range that a window covers, and its first chunks, with one statement.

    Raises:
        DatasetGone: when there is no such dataset.
    """
    limit = NO_END if window.limit is None else window.limit
    rows = min(limit, ROWS) or 1
    if window.desc:
        before, after = window.offset + limit, window.offset
        rows_found = _FIRST_BACKWARDS.rows([LARGE_BYTES, before, after, after, dataset_id, rows])
    else:
        low, high = window.offset, window.offset + limit
        rows_found = _FIRST.rows([LARGE_BYTES, low, high, high, dataset_id, rows])
    if not rows_found:
        raise DatasetGone(dataset_id)
    total, stored_bytes, fields, fields_are_columns = rows_found[0][:4]
    if window.desc:
        low, high = total - window.offset - limit, total - window.offset
    low, high = max(0, min(low, total)), max(0, min(high, total))
    names = msgspec.json.decode(fields)
    found = Scan(dataset_id, window.desc, total, stored_bytes, names, bool(fields_are_columns), low, high)
    if low < high:
        found.fetched = [_slice(row[4:], low, high) for row in rows_found]
    return found


def _slice(row: Sequence[Any], low: int, high: int) -> Slice:
    """Cut the range out of a row of (first offset, index, compressed bytes)."""
    first, packed_ends, data = row
    ends = chunks.read_ends(packed_ends)
    skip, stop = max(0, low - first), min(len(ends), high - first)
    return Slice(first + skip, stop - skip, ends[skip - 1] if skip else 0, ends[stop - 1], data)


# The first chunk that reaches the end of the range is the last that is wanted: found in the index by one look-up.
_CHUNK = "c.first_offset, c.ends, CASE WHEN length(c.data) <= %s THEN c.data END"
_CHUNKS = "resources_datasetchunk c"
_UP_TO = (
    "c.end_offset <= COALESCE((SELECT MIN(e.end_offset) FROM resources_datasetchunk e "
    "WHERE e.dataset_id = {dataset} AND e.end_offset >= {high}), {high})"
)


def _first(low: str, high: str, order: str) -> Statement:
    parts = (
        f"SELECT d.item_count, d.stored_bytes, CAST(d.fields AS text), d.fields_are_columns, {_CHUNK}",
        f"FROM resources_dataset d LEFT JOIN {_CHUNKS} ON c.dataset_id = d.resource_ptr_id",
        f"AND c.end_offset > {low}",
        "AND " + _UP_TO.format(dataset="d.resource_ptr_id", high=high),
        f"WHERE d.resource_ptr_id = %s ORDER BY c.end_offset {order} LIMIT %s",
    )
    return Statement(" ".join(parts))


def _further(order: str) -> Statement:
    parts = (
        f"SELECT {_CHUNK}",
        f"FROM {_CHUNKS} WHERE c.dataset_id = %s AND c.end_offset > %s",
        "AND " + _UP_TO.format(dataset="%s", high="%s"),
        f"ORDER BY c.end_offset {order} LIMIT %s",
    )
    return Statement(" ".join(parts))


_FIRST = _first("CAST(%s AS bigint)", "CAST(%s AS bigint)", "ASC")
_FIRST_BACKWARDS = _first("d.item_count - %s", "d.item_count - %s", "DESC")
_FURTHER, _FURTHER_BACKWARDS = _further("ASC"), _further("DESC")
