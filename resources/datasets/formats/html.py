"""Items as an HTML table, with nothing in it but text: stored content is never markup."""

from collections.abc import Callable, Iterable, Iterator

import msgspec
from msgspec import Raw

from resources.datasets.formats.columns import arrange
from resources.datasets.formats.markup import escape
from resources.datasets.items import Block
from resources.datasets.options import ItemsOptions

_NOTHING = Raw(b"null")
_TEXT = msgspec.json.Decoder(str)


def write(blocks: Callable[[], Iterator[Block]], options: ItemsOptions, columns: list[str] | None) -> Iterator[bytes]:
    """Write the items as a table with a row of titles; see `columns.arrange` for the arguments."""
    table = arrange(blocks, options, columns)
    titles = _row("th", map(escape, table.titles)) if table.paths and not options.skip_header_row else ""
    yield f"<table>\n{titles}".encode()
    for block in table.blocks():
        if block and table.paths:
            yield "".join(
                _row("td", (_cell(bytes(item.get(name, _NOTHING))) for name in table.paths)) for item in block
            ).encode()
    yield b"</table>"


def _row(element: str, cells: Iterable[str]) -> str:
    return f"<tr>{''.join(f'<{element}>{cell}</{element}>' for cell in cells)}</tr>\n"


def _cell(value: bytes) -> str:
    if value[:1] == b'"':
        return escape(_TEXT.decode(value))
    return "" if value == b"null" else value.decode()
