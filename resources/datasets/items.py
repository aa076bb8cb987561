"""Items in memory, in blocks.

An item is a dict from its top-level keys to the JSON text of their values, so that values are never understood unless
they have to be, and numbers of any size come out as they went in.
"""

from collections.abc import Iterator

import msgspec
from msgspec import Raw

Item = dict[str, Raw]
Block = list[Item]
Blocks = Iterator[Block]

_BLOCK = msgspec.json.Decoder(list[Item])


def decode(lines: bytes) -> Block:
    """Return the items of some lines of JSON, with their values left as JSON text."""
    return _BLOCK.decode(b"[%b]" % lines[:-1].replace(b"\n", b","))
