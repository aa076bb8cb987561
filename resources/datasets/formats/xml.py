"""Items as XML: the names of fields become elements, whatever they are called.

An array becomes its elements, each in an element of the field's name. The members of `@` become attributes of the
element that its object is, and `#` becomes its text where it has no elements inside. What XML cannot hold never
breaks it: in names it becomes an underscore, in text U+FFFD.
"""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from resources.datasets.formats.markup import escape, escape_attribute
from resources.datasets.items import Block, Item
from resources.datasets.options import ItemsOptions

# How many names are remembered, and up to which length.
MOST_NAMES, LONGEST_NAME = 10_000, 200
HEAD = '<?xml version="1.0" encoding="utf-8"?>\n'

# Names without colons, which would be prefixes that are not declared. Of the letters that XML allows these are
# those that it has allowed from its first edition on, for parsers are often older than the fifth.
_START = (
    "A-Z_a-z\xc0-\xd6\xd8-\xf6\xf8-\u0131\u0134-\u013e\u0141-\u0148\u014a-\u017e\u0388-\u038a\u038e-\u03a1"
    "\u03a3-\u03ce\u0401-\u040c\u040e-\u044f\u0451-\u045c\u045e-\u0481\u05d0-\u05ea\u0621-\u063a\u0641-\u064a"
    "\u3041-\u3094\u30a1-\u30fa\u4e00-\u9fa5\uac00-\ud7a3"
)
_FURTHER = rf"{_START}\-.0-9\xb7"
NAME = re.compile(f"[{_START}][{_FURTHER}]*\\Z")
_NOT_IN_NAMES = re.compile(f"[^{_FURTHER}]")
_STARTS = re.compile(f"[{_START}]")
_ATTRIBUTES, _TEXT = "@", "#"


def write(blocks: Callable[[], Iterator[Block]], options: ItemsOptions, columns: list[str] | None) -> Iterator[bytes]:
    """Write the items as XML, each an element within one root."""
    root, row = options.xml_root, options.xml_row
    elements = Elements()
    yield f"{HEAD}<{root}>\n".encode()
    for block in blocks():
        if block:
            yield "".join(f"{elements.item(row, item)}\n" for item in block).encode()
    yield f"</{root}>".encode()


class Elements:
    """Makes elements of JSON values; what it has once made a name of is remembered, for fields recur.

    `prefixes` are those that the document declares, so that names may start with them.
    """

    def __init__(self, prefixes: frozenset[str] = frozenset()) -> None:
        self._prefixes = prefixes
        self._names: dict[str, str] = {}

    def item(self, name: str, item: Item) -> str:
        """Return an item as an element called `name`."""
        pieces: list[str] = []
        self._add(name, {field: _read(bytes(value)) for field, value in item.items()}, pieces)
        return "".join(pieces)

    def _name(self, text: str) -> str:
        name = self._names.get(text)
        if name is None:
            prefix, colon, rest = text.partition(":")
            name = f"{prefix}:{xml_name(rest)}" if colon and prefix in self._prefixes else xml_name(text)
            if len(self._names) < MOST_NAMES and len(text) <= LONGEST_NAME:
                self._names[text] = name
        return name

    def _add(self, name: str, value: Any, to: list[str]) -> None:
        """Add a value: an element, or one for each element of an array. It takes one frame for a level of JSON."""
        if isinstance(value, list):
            for each in value:
                nested = isinstance(each, list)
                to.append(f"<{name}>" if nested else "")
                self._add(name, each, to)
                to.append(f"</{name}>" if nested else "")
        elif isinstance(value, dict):
            start = f"<{name}{self._attributes(value.get(_ATTRIBUTES))}"
            at = len(to)
            to.append(f"{start}>")
            for key, member in value.items():
                if key not in (_ATTRIBUTES, _TEXT):
                    self._add(self._name(key), member, to)
            if len(to) == at + 1:
                to[at] = _closed(start, name, value.get(_TEXT))
            else:
                to.append(f"</{name}>")
        else:
            to.append(_closed(f"<{name}", name, value))

    def _attributes(self, members: Any) -> str:
        if not isinstance(members, dict):
            return ""
        named: dict[str, Any] = {}
        numbers: dict[str, int] = {}
        for key, value in members.items():
            name = self._name(key)
            name = f"_{name}" if name.lower().startswith("xml") else name
            while name in named:  # an element has no two attributes of one name
                numbers[name] = numbers.get(name, 1) + 1
                name = f"{name}_{numbers[name]}"
            named[name] = value
        return "".join(f' {name}="{escape_attribute(xml_text(value))}"' for name, value in named.items())


def xml_name(text: str) -> str:
    """Return a name that XML allows for something called `text`."""
    name = _NOT_IN_NAMES.sub("_", text)
    return name if _STARTS.match(name) else f"_{name}"


def xml_text(value: Any) -> str:
    """Return a value as text: null is empty, what is no text stands as in JSON."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, _Number):
        return value.text
    return msgspec.json.encode(value, enc_hook=lambda number: msgspec.Raw(number.text.encode())).decode()


class _Number:
    """A number as it was written."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text


_decoder = json.JSONDecoder(parse_int=_Number, parse_float=_Number)


def _read(value: bytes) -> Any:
    opening = value[:1]
    if opening == b'"' and b"\\" not in value:
        return value[1:-1].decode()
    return _decoder.decode(value.decode())


def _closed(start: str, name: str, value: Any) -> str:
    """Return an element without elements inside."""
    text = escape(xml_text(value))
    return f"{start}>{text}</{name}>" if text else f"{start}/>"
