"""From items to the columns of a table: what CSV, HTML and Excel have in common.

An object becomes columns `field/key`, an array `field/0`, `field/1`, at any depth; an empty one becomes none. The
columns are those of all the items in the order in which they first appear, or those that `fields` names. There
are at most 2,000 columns, and names are cut at 200 characters.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain

import msgspec
from msgspec import Raw

from resources.datasets.items import Block, Item
from resources.datasets.options import ItemsOptions

MAX_COLUMNS = 2000
MAX_NAME_LENGTH = 200

_OBJECT = msgspec.json.Decoder(dict[str, Raw])
_ARRAY = msgspec.json.Decoder(list[Raw])


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of a table of some items, and the items in blocks of which no value is an array or an object."""

    names: list[str]
    blocks: Callable[[], Iterator[Block]]

    @property
    def titles(self) -> list[str]:
        """The names such as they stand in the head of a table."""
        return titles(self.names)


def titles(names: list[str]) -> list[str]:
    """Return the names of columns such as they stand in the head of a table."""
    return [name[:MAX_NAME_LENGTH] for name in names]


def arrange(blocks: Callable[[], Iterator[Block]], options: ItemsOptions, known: list[str] | None = None) -> Columns:
    """Find the columns of items.

    Args:
        blocks: gives the items; called to find the columns unless they are known, and again for each reading.
        options: what `fields` names stands first.
        known: the columns where they are known; then no value is an array or an object.
    """
    if known is not None:
        return Columns(known, blocks)
    found, flat = _find(blocks())
    names = _in_order(found, options)
    if flat:
        return Columns(names, blocks)
    wanted = set(names)
    return Columns(names, lambda: ([_flatten(item, wanted) for item in block] for block in blocks()))


def _find(blocks: Iterator[Block]) -> tuple[list[str], bool]:
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


def _in_order(found: list[str], options: ItemsOptions) -> list[str]:
    """Put what `fields` names first, in its order and also where no item has it; what was unwound follows."""
    ordered: dict[str, None] = {}
    for name, output in zip(options.fields, options.output_fields or options.fields, strict=True):
        made = [column for column in found if column.startswith((f"{output}/", f"{output}."))]
        gone = name in options.unwind or name in options.omit or (options.skip_hidden and output[:1] == "#")
        if output in found or not (made or gone):
            ordered[output] = None
        ordered |= dict.fromkeys(made)
    return list(ordered | dict.fromkeys(found))[:MAX_COLUMNS]


def _is_nested(item: Item) -> bool:
    values = b"\n".join(item.values())
    return values[:1] in (b"{", b"[") or b"\n{" in values or b"\n[" in values


def _flatten(item: Item, wanted: set[str] | None) -> Item:
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


def _add(path: str, value: Raw, into: Item, wanted: set[str] | None) -> None:
    opening = bytes(value)[:1]
    if opening == b"{":
        for key, member in _OBJECT.decode(value).items():
            _add(f"{path}/{key}"[:MAX_NAME_LENGTH], member, into, wanted)
    elif opening == b"[":
        for at, element in enumerate(_ARRAY.decode(value)):
            _add(f"{path}/{at}"[:MAX_NAME_LENGTH], element, into, wanted)
    elif path in wanted if wanted is not None else len(into) < MAX_COLUMNS:
        into[path] = value
