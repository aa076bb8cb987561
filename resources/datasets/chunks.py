"""Chunks: runs of neighbouring items, compressed, with an index of where each item ends.

The size was chosen by measurement. At 128 KiB of JSON a chunk compresses within 7 % of a megabyte's ratio, takes
a tenth of a millisecond to decompress, and a page from its front pays only for what lies before its end.
"""

import sys
import threading
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import accumulate

import zstandard

# A chunk is cut when it weighs about this much, and is left alone once it weighs half of it.
TARGET_WEIGHT = 128 * 1024
FULL_WEIGHT = TARGET_WEIGHT // 2
# What an item weighs besides its bytes, so that chunks of tiny items do not hold endless numbers of them.
ITEM_WEIGHT = 8

LEVEL = 3
# A block is decompressed as a whole or not at all. At this size they cost nothing to speak of.
BLOCK = 32 * 1024


class _Tools(threading.local):
    """A compressor and a decompressor for each thread, because they cannot be shared."""

    def __init__(self) -> None:
        self.compressor = zstandard.ZstdCompressor(level=LEVEL)
        self.decompressor = zstandard.ZstdDecompressor()


_tools = _Tools()


@dataclass(frozen=True, slots=True)
class Packed:
    """A chunk that is ready to be stored: how many items, their index, the compressed bytes, and the weight."""

    count: int
    ends: bytes
    data: bytes
    weight: int

    @property
    def stored(self) -> int:
        """What it takes in the database, in bytes."""
        return len(self.ends) + len(self.data)


def weigh(items: list[bytes]) -> int:
    """Return the weight of items: their bytes, line feeds included, and something for each."""
    return sum(map(len, items)) + (1 + ITEM_WEIGHT) * len(items)


def pack(items: list[bytes]) -> list[Packed]:
    """Pack items into as few chunks of about equal weight as the target allows."""
    ends = list(accumulate(len(item) + 1 for item in items))

    def weight_after(count: int) -> int:
        return ends[count - 1] + count * ITEM_WEIGHT

    chunks = max(1, round(weight_after(len(items)) / TARGET_WEIGHT)) if items else 0
    packed: list[Packed] = []
    start = 0
    for at in range(1, chunks + 1):
        share = weight_after(len(items)) * at // chunks
        stop = (
            bisect_left(range(len(items) + 1), share, lo=start + 1, key=weight_after) if start < len(items) else start
        )
        if stop > start:
            packed.append(_pack_one(items[start:stop], ends[start:stop], ends[start - 1] if start else 0))
        start = stop
    return packed


def _pack_one(items: list[bytes], ends: list[int], before: int) -> Packed:
    index = _little(array("I", [end - before for end in ends]))
    weight = ends[-1] - before + len(items) * ITEM_WEIGHT
    return Packed(len(items), index.tobytes(), _compress(b"\n".join(items) + b"\n"), weight)


def _compress(raw: bytes) -> bytes:
    """Compress in blocks, so that a page of the first items does not have to undo all of a chunk."""
    compressor = _tools.compressor.compressobj(size=len(raw))
    pieces: list[bytes] = []
    for at in range(0, len(raw), BLOCK):
        pieces += compressor.compress(raw[at : at + BLOCK]), compressor.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)
    return b"".join([*pieces, compressor.flush()])


def _little(ends: "array[int]") -> "array[int]":
    if sys.byteorder == "big":
        ends.byteswap()
    return ends


def read_ends(ends: bytes) -> "array[int]":
    """Return where each item of a chunk ends within its bytes."""
    found = array("I")
    found.frombytes(ends)
    return _little(found)


def read_lines(data: bytes, start: int, end: int) -> bytes:
    """Return the bytes from `start` to `end` of a chunk; what lies behind `end` is not decompressed."""
    size = zstandard.frame_content_size(data)
    if end * 4 < size * 3:
        with _tools.decompressor.stream_reader(data) as reader:
            return reader.read(end)[start:]
    lines = _tools.decompressor.decompress(data)
    return lines if start == 0 and end == size else lines[start:end]


def split(lines: bytes) -> list[bytes]:
    """Cut lines into items."""
    return lines.split(b"\n")[:-1]


def iterate(stored: Iterable[bytes]) -> Iterator[bytes]:
    """Give the items of chunks' compressed bytes."""
    for data in stored:
        yield from split(_tools.decompressor.decompress(data))
