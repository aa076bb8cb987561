"""Items as a CSV table (RFC 4180), column by column.

An object becomes columns `field/key`, an array `field/0`, `field/1`, at any depth; an empty one becomes none. The
columns are those of all the items in the order in which they first appear, or those that `fields` names. Text
stands in quotation marks where it must, null and what is missing are empty, numbers are as they were pushed. There
are at most 2,000 columns, and names are cut at 200 characters.

Cells go from JSON to CSV a column of a block at a time, because most columns need nothing but to lose their
quotation marks, and that is one replacement for all of their cells together.
"""

from collections.abc import Callable, Iterator
from itertools import chain
from typing import TYPE_CHECKING

import msgspec
from msgspec import Raw

if TYPE_CHECKING:
    from resources.datasets.options import ItemsOptions
    from resources.datasets.transformations import Block, Item

MAX_COLUMNS = 2000
MAX_NAME_LENGTH = 200

_NOTHING = Raw(b"null")
_TEXT = msgspec.json.Decoder(str)
_OBJECT = msgspec.json.Decoder(dict[str, Raw])
_ARRAY = msgspec.json.Decoder(list[Raw])


def write(
    blocks: Callable[[], Iterator["Block"]], options: "ItemsOptions", columns: list[str] | None
) -> Iterator[bytes]:
    """Write the items as CSV.

    Args:
        blocks: gives the items; called once more to find the columns unless they are known.
        options: the delimiter, and whether the header is left out.
        columns: the columns where they are known; then no value is an array or an object.
    """
    flat = columns is not None
    if columns is None:
        found, flat = _find_columns(blocks())
        columns = _in_order(found, options)
    if not columns:
        return
    table = _Table(columns, options.delimiter)
    if not options.skip_header_row:
        yield table.header()
    wanted = set(columns)
    for block in blocks():
        if block:
            yield table.rows(block if flat else [_flatten(item, wanted) for item in block])


def _find_columns(blocks: Iterator["Block"]) -> tuple[list[str], bool]:
    """Return the columns of all the items, and whether no value is an array or an object."""
    columns: dict[str, None] = {}
    flat = True
    for block in blocks:
        nested = any(map(_is_nested, block))
        flat = flat and not nested
        names = chain.from_iterable((_flatten(item, None) for item in block) if nested else block)
        for name in dict.fromkeys(names):
            if len(columns) < MAX_COLUMNS:
                columns[name] = None
    return list(columns), flat


def _in_order(found: list[str], options: "ItemsOptions") -> list[str]:
    """Put what `fields` names first, in its order and also where no item has it; what was unwound follows."""
    ordered: dict[str, None] = {}
    for name, output in zip(options.fields, options.output_fields or options.fields, strict=True):
        made = [column for column in found if column.startswith((f"{output}/", f"{output}."))]
        gone = name in options.unwind or name in options.omit or (options.skip_hidden and output[:1] == "#")
        if output in found or not (made or gone):
            ordered[output] = None
        ordered |= dict.fromkeys(made)
    return list(ordered | dict.fromkeys(found))[:MAX_COLUMNS]


def _is_nested(item: "Item") -> bool:
    values = b"\n".join(item.values())
    return values[:1] in (b"{", b"[") or b"\n{" in values or b"\n[" in values


def _flatten(item: "Item", wanted: set[str] | None) -> "Item":
    """Return an item whose arrays and objects have become fields of their own, the wanted ones.

    Without `wanted`, to find the columns, it ends with as many fields as there can be columns: an array may have
    millions of elements.
    """
    if not _is_nested(item):
        return item
    flat: Item = {}
    for name, value in item.items():
        _add(name, value, flat, wanted)
    return flat


def _add(path: str, value: Raw, into: "Item", wanted: set[str] | None) -> None:
    opening = bytes(value)[:1]
    if opening == b"{":
        for key, member in _OBJECT.decode(value).items():
            _add(f"{path}/{key}"[:MAX_NAME_LENGTH], member, into, wanted)
    elif opening == b"[":
        for at, element in enumerate(_ARRAY.decode(value)):
            _add(f"{path}/{at}"[:MAX_NAME_LENGTH], element, into, wanted)
    elif path in wanted if wanted is not None else len(into) < MAX_COLUMNS:
        into[path] = value


class _Table:
    """Writes rows for certain columns, with a certain delimiter."""

    def __init__(self, columns: list[str], delimiter: str) -> None:
        self.columns = columns
        self.delimiter = delimiter.encode()
        # Numbers, true and false stand bare, unless the delimiter could be mistaken for a part of them.
        self.quote_all = delimiter in "0123456789+-.eEtruefals"

    def header(self) -> bytes:
        """Return the row of the columns' names."""
        return self._line([self._quoted(name[:MAX_NAME_LENGTH].encode()) for name in self.columns])

    def rows(self, block: "Block") -> bytes:
        """Return the rows of a block of items without arrays and objects."""
        cells = [self._column([item.get(name, _NOTHING) for item in block]) for name in self.columns]
        if len(cells) == 1:  # an empty line would be no row
            return b"".join([(cell or b'""') + b"\r\n" for cell in cells[0]])
        return b"\r\n".join(map(self.delimiter.join, zip(*cells, strict=True))) + b"\r\n"

    def _line(self, cells: list[bytes]) -> bytes:
        return (self.delimiter.join(cells) or b'""') + b"\r\n"

    def _column(self, values: list[Raw]) -> list[bytes]:
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
