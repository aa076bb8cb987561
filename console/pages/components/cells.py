"""Items of a dataset as a page shows them: cells of a table, or one by one as JSON. What is long is cut."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from secrets import token_hex
from typing import Any

from resources.datasets.json_text import BigNumber

MAX_COLUMNS = 60
SHORT = 90
LONGEST_VALUE = 5_000
LONGEST_ITEM = 50_000
_NUMERIC = frozenset({"number", "null", "missing"})


@dataclass(frozen=True, slots=True)
class Cell:
    """One value. `form` is text, link, number, boolean, null, nested or missing; `whole` is empty unless it was cut."""

    form: str
    text: str
    whole: str = ""


@dataclass(frozen=True, slots=True)
class ItemRow:
    """One item in the table, with its place in the dataset, from 1."""

    number: int
    cells: list[Cell]


@dataclass(frozen=True, slots=True)
class Column:
    """One field. Where every value is a number the numbers stand one under the other."""

    name: str
    is_number: bool


@dataclass(frozen=True, slots=True)
class ItemTable:
    """A page of items as a table; `left_out` counts the fields for which there was no room."""

    columns: list[Column]
    rows: list[ItemRow]
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class JsonItem:
    """One item as indented JSON; `left_out` counts the characters beyond what a page can take."""

    number: int
    text: str
    left_out: int = 0


def build_table(
    items: Sequence[tuple[int, dict[str, Any]]],
    fields: Sequence[str],
    *,
    hidden: bool,
    labels: Mapping[str, str] | None = None,
) -> ItemTable:
    """Return items as a table: the columns are the dataset's fields in order, then any that only these have.

    Args:
        items: each with its number in the dataset, from 1.
        fields: the names of the fields.
        hidden: whether fields that start with "#" are shown.
        labels: what columns are called that are not called as their fields are.
    """
    known = dict.fromkeys([*fields, *(key for _, item in items for key in item)])
    columns = [name for name in known if hidden or not name.startswith("#")]
    shown = columns[:MAX_COLUMNS]
    rows = [
        ItemRow(number, [build_cell(item[name]) if name in item else Cell("missing", "") for name in shown])
        for number, item in items
    ]
    labels = labels or {}
    titles = [
        Column(printable(labels.get(name, name)), all(row.cells[at].form in _NUMERIC for row in rows))
        for at, name in enumerate(shown)
    ]
    return ItemTable(titles, rows, len(columns) - len(shown))


def build_json(items: Sequence[tuple[int, dict[str, Any]]], *, hidden: bool) -> list[JsonItem]:
    """Return numbered items one by one as indented JSON, without the fields that start with "#" unless `hidden`."""
    shown = []
    for number, item in items:
        visible = item if hidden else {key: value for key, value in item.items() if not key.startswith("#")}
        text = _json(visible, indent=2)
        shown.append(JsonItem(number, text[:LONGEST_ITEM], max(0, len(text) - LONGEST_ITEM)))
    return shown


def build_cell(value: Any) -> Cell:
    """Return how a table shows a value."""
    if value is None:
        return Cell("null", "null")
    if isinstance(value, bool):
        return Cell("boolean", "true" if value else "false")
    if isinstance(value, BigNumber):
        return _cut("number", str(value))
    if isinstance(value, int | float):
        return _cut("number", _json(value))
    if isinstance(value, str):
        return _cut("link" if value.startswith(("https://", "http://")) else "text", printable(value))
    return _cut("nested", _json(value))


def _cut(form: str, text: str) -> Cell:
    if len(text) <= SHORT:
        return Cell(form, text)
    whole = text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}… (cut; {len(text):,} characters in all)"
    return Cell(form, f"{text[: SHORT - 1]}…", whole)


def _json(value: Any, indent: int | None = None) -> str:
    mark = token_hex(8)
    try:
        text = json.dumps(_marked(value, mark), ensure_ascii=False, indent=indent)
        return printable(re.sub(f'"{mark}([^"]*)"', r"\1", text))
    except (RecursionError, ValueError):
        return "(too large or too deeply nested to be shown; it is in the export)"


def _marked(value: Any, mark: str) -> Any:
    """Mark the numbers that had to stay text, so that they can be written without quotation marks."""
    if isinstance(value, BigNumber):
        return mark + value
    if isinstance(value, dict):
        return {key: _marked(member, mark) for key, member in value.items()}
    if isinstance(value, list):
        return [_marked(element, mark) for element in value]
    return value


def printable(text: str) -> str:
    """Return `text` such as a page can send: JSON knows halves of characters, UTF-8 does not."""
    return text.encode("utf-8", "replace").decode("utf-8").replace("\x00", "\N{SYMBOL FOR NULL}")
