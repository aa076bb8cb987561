"""Items as a CSV table (RFC 4180), column by column.

Text stands in quotation marks where it must, null and what is missing are empty, numbers are as they were pushed.

Cells go from JSON to CSV a column of a block at a time, because most columns need nothing but to lose their
quotation marks, and that is one replacement for all of their cells together.
"""

from collections.abc import Callable, Iterator, Sequence

import msgspec
from msgspec import Raw
from msgspec.structs import astuple

from resources.datasets.formats.column_paths import titles
from resources.datasets.formats.columns import arrange
from resources.datasets.items import Block
from resources.datasets.options import ItemsOptions

# Tables of more columns are written by way of dicts: a class for them would take longer than it saves.
MAX_STRAIGHT_COLUMNS = 200

_NOTHING = Raw(b"null")
_TEXT = msgspec.json.Decoder(str)


def write(blocks: Callable[[], Iterator[Block]], options: ItemsOptions, columns: list[str] | None) -> Iterator[bytes]:
    """Write the items as CSV.

    Args:
        blocks: gives the items; called once more to find the columns unless they are known.
        options: the delimiter, and whether the header is left out.
        columns: the columns where they are known; then no value is an array or an object.
    """
    table = arrange(blocks, options, columns)
    paths = table.paths
    values = ([[item.get(path, _NOTHING) for item in block] for path in paths] for block in table.blocks() if block)
    return _write(values, table.titles, options)


def write_lines(lines: Iterator[bytes], options: ItemsOptions, columns: list[str]) -> Iterator[bytes] | None:
    """Write items as CSV that are only cut out of their lines: nothing is dropped, renamed or taken apart.

    Where the columns are known there is no need for a dict of each item; this is half as much work as `write` is.

    Args:
        lines: the items as they are stored, some at a time, each followed by a line feed.
        options: the delimiter, and whether the header is left out.
        columns: the columns; no value is an array or an object.

    Returns:
        The pieces, or None where there are too many columns for that, or one whose name cannot be looked for so.
    """
    if len(columns) > MAX_STRAIGHT_COLUMNS:
        return None
    fields = [(f"_{at}", Raw, _NOTHING) for at in range(len(columns))]
    try:
        row = msgspec.defstruct("Row", fields, rename={f"_{at}": name for at, name in enumerate(columns)}, gc=False)
    except ValueError:  # quotation marks and control characters
        return None
    decode = msgspec.json.Decoder(row).decode_lines
    head = titles(columns, options.labels)
    return _write((list(zip(*map(astuple, decode(each)), strict=True)) for each in lines), head, options)


def _write(blocks: Iterator[Sequence[Sequence[Raw]]], head: list[str], options: ItemsOptions) -> Iterator[bytes]:
    """Write blocks that hold for each column its values."""
    if not head:
        return
    table = _Table(options.delimiter)
    if not options.skip_header_row:
        yield table.line(head)
    yield from map(table.rows, blocks)


class _Table:
    """Writes rows with a certain delimiter."""

    def __init__(self, delimiter: str) -> None:
        self.delimiter = delimiter.encode()
        # Numbers, true and false stand bare, unless the delimiter could be mistaken for a part of them.
        self.quote_all = delimiter in "0123456789+-.eEtruefals"

    def line(self, texts: list[str]) -> bytes:
        """Return a row of texts."""
        return (self.delimiter.join(self._quoted(text.encode()) for text in texts) or b'""') + b"\r\n"

    def rows(self, columns: Sequence[Sequence[Raw]]) -> bytes:
        """Return the rows whose values these are, column by column, none of them an array or an object."""
        cells = list(map(self._column, columns))
        if len(cells) == 1:  # an empty line would be no row
            return b"".join([(cell or b'""') + b"\r\n" for cell in cells[0]])
        return b"\r\n".join(map(self.delimiter.join, zip(*cells, strict=True))) + b"\r\n"

    def _column(self, values: Sequence[Raw]) -> list[bytes]:
        text = b"\n".join(values)
        if self.quote_all or b"\\" in text:
            return [self._cell(bytes(value)) for value in values]
        if self.delimiter in text:
            cells = [cell if self.delimiter in cell else cell.strip(b'"') for cell in text.split(b"\n")]
        else:
            cells = text.replace(b'"', b"").split(b"\n")
        if b"null" in text:
            return [b"" if value == b"null" else cell for value, cell in zip(text.split(b"\n"), cells, strict=True)]
        return cells

    def _cell(self, value: bytes) -> bytes:
        if value[:1] == b'"':
            return self._quoted(_TEXT.decode(value).encode() if b"\\" in value else value[1:-1])
        if value == b"null":
            return b""
        return b'"%b"' % value if self.quote_all else value

    def _quoted(self, text: bytes) -> bytes:
        if self.quote_all or b'"' in text or self.delimiter in text or b"\n" in text or b"\r" in text:
            return b'"%b"' % text.replace(b'"', b'""')
        return text
