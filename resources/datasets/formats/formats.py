"""The formats of items: the name of each in requests, its content type, and its writer.

A writer takes `blocks`, a function that gives the items block by block and can be called again where a form
needs to see them twice, and gives the bytes piece by piece.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import msgspec

from resources.datasets.formats import csv, html, rss, xlsx, xml
from resources.datasets.items import Block
from resources.datasets.options import ItemsOptions

Blocks = Callable[[], Iterator[Block]]
Write = Callable[[Blocks, ItemsOptions, list[str] | None], Iterator[bytes]]

BOM = b"\xef\xbb\xbf"

_encoder = msgspec.json.Encoder()


@dataclass(frozen=True, slots=True)
class Format:
    """One form: its media type, whether it starts with a byte order mark unless told otherwise, and its writer.

    What is no `text` never starts with one.
    """

    content_type: str
    bom: bool
    write: Write
    text: bool = True

    def starts_with(self, bom: bool | None) -> bytes:
        """Return what comes first, by whether a byte order mark is asked for; None: as is usual."""
        return BOM if self.text and (self.bom if bom is None else bom) else b""


def _json(blocks: Blocks, options: ItemsOptions, columns: list[str] | None) -> Iterator[bytes]:
    before = b"["
    for block in blocks():
        if block:
            yield before + _encoder.encode(block)[1:-1]
            before = b","
    yield b"[]" if before == b"[" else b"]"


def _json_lines(blocks: Blocks, options: ItemsOptions, columns: list[str] | None) -> Iterator[bytes]:
    for block in blocks():
        if block:
            yield _encoder.encode_lines(block)


FORMATS: dict[str, Format] = {
    "json": Format("application/json; charset=utf-8", False, _json),
    "jsonl": Format("application/jsonl; charset=utf-8", False, _json_lines),
    "csv": Format("text/csv; charset=utf-8", True, csv.write),
    "xlsx": Format("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", False, xlsx.write, text=False),
    "xml": Format("application/xml; charset=utf-8", False, xml.write),
    "html": Format("text/html; charset=utf-8", False, html.write),
    "rss": Format("application/rss+xml; charset=utf-8", False, rss.write),
}
