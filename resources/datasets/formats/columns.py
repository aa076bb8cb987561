"""From items to the columns of a table: what CSV, HTML and Excel have in common.

An object becomes columns `field/key`, an array `field/0`, `field/1`, at any depth; an empty one becomes none. The
columns are those of all the items in the order in which they first appear, or those that `fields` names. There are at
most 2,000 columns. Each value has the column of its path (column_paths.py); several columns may have the same title.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, count
from typing import NamedTuple

import msgspec
from msgspec import Raw

from resources.datasets.formats.column_paths import MAX_TITLE_LENGTH, STEP, is_within, path_of_field, shorten, titles
from resources.datasets.items import Block, Item
from resources.datasets.options import ItemsOptions

MAX_COLUMNS = 2000

_OBJECT = msgspec.json.Decoder(dict[str, Raw])
_ARRAY = msgspec.json.Decoder(list[Raw])


@dataclass(frozen=True, slots=True)
class Columns:
    """The paths of a table's columns, and its rows in blocks: from a path to a value that is no array and no object.

    `labels` are pairs of a field and what its column is called otherwise.
    """

    paths: list[str]
    blocks: Callable[[], Iterator[Block]]
    labels: tuple[tuple[str, str], ...]

    @property
    def titles(self) -> list[str]:
        """The titles of the columns, in their order."""
        return titles(self.paths, self.labels)


def arrange(blocks: Callable[[], Iterator[Block]], options: ItemsOptions, known: list[str] | None = None) -> Columns:
    """Find the columns of items.

    Args:
        blocks: gives the items; called to find the columns unless they are known, and again for each reading.
        options: what `fields` names stands first.
        known: the columns where they are known: fields with short names, none of them an array or an object.
    """
    if known is not None:
        return Columns(known, blocks, options.labels)
    found = _find(blocks())
    paths = _in_order(found.paths, options)
    if found.are_rows:
        return Columns(paths, blocks, options.labels)
    wanted = set(paths)
    return Columns(
        paths,
        lambda: ([_row(item, wanted, found.any_long) for item in block] for block in blocks()),
        options.labels,
    )


class _Found(NamedTuple):
    """The paths of all the items' values, whether the items are rows as they are, and whether a name is cut."""

    paths: list[str]
    are_rows: bool
    any_long: bool


def _find(blocks: Iterator[Block]) -> _Found:
    paths: dict[str, None] = {}
    all_are_rows, any_long = True, False
    for block in blocks:
        names = dict.fromkeys(chain.from_iterable(block))
        are_long = any(len(name) > MAX_TITLE_LENGTH for name in names)
        if are_long or any(map(_is_nested, block)):
            all_are_rows, any_long = False, any_long or are_long
            names = dict.fromkeys(chain.from_iterable(_row(item, None, are_long) for item in block))
        for path in names:
            if len(paths) < MAX_COLUMNS:
                paths[path] = None
    return _Found(list(paths), all_are_rows, any_long)


def _in_order(found: list[str], options: ItemsOptions) -> list[str]:
    """Put what `fields` names first, in its order and also where no item has it; what was unwound follows."""
    ordered: dict[str, None] = {}
    for name, output in zip(options.fields, options.output_fields or options.fields, strict=True):
        path = path_of_field(output)
        made = [each for each in found if is_within(each, output)]
        gone = name in options.unwind or name in options.omit or (options.skip_hidden and output[:1] == "#")
        if path in found or not (made or gone):
            ordered[path] = None
        ordered |= dict.fromkeys(made)
    return list(ordered | dict.fromkeys(found))[:MAX_COLUMNS]


def _is_nested(item: Item) -> bool:
    values = b"\n".join(item.values())
    return values[:1] in (b"{", b"[") or b"\n{" in values or b"\n[" in values


def _row(item: Item, wanted: set[str] | None, any_long: bool) -> Item:
    """Return the values of an item that are no arrays or objects, the wanted ones, by their paths.

    Without `wanted`, to find the columns, it ends with as many values as there can be columns: an array may have
    millions of elements.
    """
    if not any_long and not _is_nested(item):
        return item
    row: Item = {}
    _add("", item.items(), row, wanted)
    return row


def _add(before: str, members: Iterable[tuple[str, Raw]], into: Item, wanted: set[str] | None) -> None:
    """Add what is in an object or array to a row. Its members are called by their steps; `before` goes before them."""
    for step, value in members:
        path = before + step
        if len(path) > MAX_TITLE_LENGTH:
            path = shorten(path)
        text = bytes(value)
        opening = text[:1]
        if opening == b"{":
            _add(path + STEP, _OBJECT.decode(text).items(), into, wanted)
        elif opening == b"[":
            _add(path + STEP, zip(map(str, count()), _ARRAY.decode(text)), into, wanted)  # noqa: B905  # endless
        elif path in wanted if wanted is not None else len(into) < MAX_COLUMNS:
            into[path] = value
