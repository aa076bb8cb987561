"""From the bytes of a push to items: checked and cut apart, without building Python objects of them.

What is kept is the JSON text as it was pushed, with two exceptions. Where the push holds line breaks (which JSON
knows only between tokens), the whitespace between tokens is dropped, so that an item is always one line. And an
escaped surrogate without its partner, which stands for no character and could not be written as UTF-8 by
anyone who reads it, becomes U+FFFD, as every encoder would have it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate, chain

import msgspec

from resources.datasets.errors import InvalidItems

# Deeper nesting is refused: a reader of an item should not have to fear for its stack.
MAX_DEPTH = 256

_ARRAY = msgspec.json.Decoder(list[msgspec.Raw])
_OBJECTS = msgspec.json.Decoder(list[dict[str, msgspec.Raw]])
_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])

# An item costs some hundred bytes of memory while it is cut out, be it ever so small, so a push has no more than these.
MAX_ITEMS = 500_000
# The shortest item with its comma. In a body that has no space for too many, their commas need not be counted.
_SHORTEST_ITEM = len(b"{},")

# Items that are many and have the same keys are read more quickly, if the keys are not hidden and need no escapes.
MANY_ITEMS = 100
MAX_NAMES_ALIKE = 50
_PLAIN_NAME = re.compile(r"[^#\W][\w .:/-]*\Z")


@dataclass(frozen=True, slots=True)
class Batch:
    """The items of one push, each as one line of JSON.

    `names` are their top-level keys in order of appearance, `clean_count` how many have a key that is not hidden,
    `flat` whether surely no value is an array or an object.
    """

    items: list[bytes]
    names: list[str]
    clean_count: int
    flat: bool


def parse_items(payload: bytes) -> Batch:
    """Check a pushed body and cut it into items.

    Raises:
        InvalidItems: when it is not UTF-8, not JSON, too deep, more than MAX_ITEMS, or an item is not an object.
    """
    _check_encoding(payload)
    payload = _replace_lone_surrogates(payload)
    try:
        payload = _as_array(payload)
        _check_count(payload)
        if b"\n" in payload or b"\r" in payload:
            payload = msgspec.json.format(payload, indent=-1)
        items = [bytes(item) for item in _ARRAY.decode(payload)]
        openings = _count_openings(payload)
        if openings - len(items) >= MAX_DEPTH:
            _check_depth(items)
        names, clean_count = _read_names(payload, items)
    except msgspec.ValidationError as error:
        raise InvalidItems(_which_is_no_object(error)) from None
    except msgspec.DecodeError as error:
        raise InvalidItems(f"The body is not valid JSON: {_plain(error)}.") from None
    except RecursionError:
        raise InvalidItems(_TOO_DEEP) from None
    return Batch(items, names, clean_count, openings == len(items) + 1)


_TOO_DEEP = f"The body is nested too deeply; items may have at most {MAX_DEPTH} levels."


def _check_encoding(payload: bytes) -> None:
    if payload.isascii():
        return
    if payload.startswith(b"\xef\xbb\xbf"):
        raise InvalidItems("The body starts with a byte order mark, which JSON does not allow (byte 0).")
    try:
        payload.decode()
    except UnicodeDecodeError as error:
        raise InvalidItems(f"The body is not valid UTF-8 ({error.reason} at byte {error.start}).") from None


def _as_array(payload: bytes) -> bytes:
    """Return the body as an array; positions in messages about its syntax stay those of the body itself."""
    start = payload.lstrip(b" \t\r\n")[:1]
    if start == b"[":
        return payload
    if not start:
        raise InvalidItems("The body is empty; it must be a JSON object or an array of objects.")
    msgspec.json.decode(payload, type=msgspec.Raw)
    if start != b"{":
        raise InvalidItems("The body must be a JSON object or an array of objects.")
    return b"[%b]" % payload


class _Anything(msgspec.Struct, gc=False):
    """An object of which nothing is kept."""


_COUNTED = msgspec.json.Decoder(list[_Anything])


def _check_count(array: bytes) -> None:
    """Refuse too many items before anything is made of each.

    Raises:
        InvalidItems: when they are too many.
        msgspec.ValidationError: when they may be too many and one is not an object.
    """
    if len(array) < MAX_ITEMS * _SHORTEST_ITEM:
        return
    if array.count(b",") >= MAX_ITEMS and len(_COUNTED.decode(array)) > MAX_ITEMS:
        raise InvalidItems(f"The body has more than {MAX_ITEMS} items; push them in several parts.")


_PLACE = re.compile(r" - at `\$\[(\d+)\]")


def _which_is_no_object(error: msgspec.ValidationError) -> str:
    place = _PLACE.search(str(error))
    if place:
        return f"The item at position {place[1]} is not a JSON object."
    return "The body must be a JSON object or an array of objects."


def _plain(error: Exception) -> str:
    text = str(error).removeprefix("JSON is malformed: ")
    return "it ends too early" if text == "Input data was truncated" else text


def _count_openings(array: bytes) -> int:
    """Return how often an array or an object may begin; a search is quicker than a count where there is one only."""
    only_one = array.find(b"[") == array.rfind(b"[")
    return array.count(b"{") + (1 if only_one else array.count(b"["))


_NO_BRACKET = bytes(sorted(set(range(256)) - set(b'[]{}"')))
_STEP = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}


def _check_depth(items: list[bytes]) -> None:
    for at, item in enumerate(items):
        if item.count(b"{") + item.count(b"[") > MAX_DEPTH and _depth(item) > MAX_DEPTH:
            raise InvalidItems(f"The item at position {at} has more than {MAX_DEPTH} levels.")


def _depth(item: bytes) -> int:
    """Return how many levels an item has, from its brackets outside of strings."""
    unescaped = item.replace(b"\\\\", b"").replace(b'\\"', b"")
    brackets = unescaped.translate(None, _NO_BRACKET).replace(b'""', b"")
    if b'"' in brackets:
        brackets = bytes(_outside_strings(brackets))
    return max(accumulate(map(_STEP.__getitem__, brackets)), default=0)


def _outside_strings(text: bytes) -> Iterator[int]:
    inside = False
    for byte in text:
        if byte == ord('"'):
            inside = not inside
        elif not inside:
            yield byte


def _read_names(payload: bytes, items: list[bytes]) -> tuple[list[str], int]:
    """Return the top-level keys in order of appearance, and how many items have one that is not hidden.

    Raises:
        msgspec.ValidationError: when an item is not an object.
    """
    if len(items) >= MANY_ITEMS and items[0][:1] == b"{":
        names = tuple(_OBJECT.decode(items[0]))
        if len(names) <= MAX_NAMES_ALIKE and all(map(_PLAIN_NAME.match, names)):
            reader, empty = _alike(names)
            try:
                alike = reader.decode(payload)
            except msgspec.ValidationError:
                pass  # an item with another key, or none at all: look at each
            else:
                return list(names), len(items) - alike.count(empty)
    objects = _OBJECTS.decode(payload)
    found = list(dict.fromkeys(chain.from_iterable(objects)))
    return found, _count_clean(objects, found)


@lru_cache(maxsize=64)
def _alike(names: tuple[str, ...]) -> tuple[msgspec.json.Decoder[list[msgspec.Struct]], msgspec.Struct]:
    """Return what reads an array of objects that have no keys but these, in half the time of any objects.

    And what it makes of an object that has none of them.
    """
    item = msgspec.defstruct(
        "Item",
        [(f"field_{at}", msgspec.Raw, msgspec.Raw(b"")) for at in range(len(names))],
        rename={f"field_{at}": name for at, name in enumerate(names)},
        forbid_unknown_fields=True,
        gc=False,
    )
    return msgspec.json.Decoder(list[item]), item()  # type: ignore[valid-type]


def _count_clean(objects: list[dict[str, msgspec.Raw]], names: list[str]) -> int:
    hidden = {name for name in names if name.startswith("#")}
    if hidden:
        return sum(not item.keys() <= hidden for item in objects)
    return len(objects) - objects.count({})


# A surrogate that may be alone: a high one without a low one behind it, a low one without a high one before it,
# or any whose backslash may itself be escaped.
_SUSPECT = re.compile(
    rb"\\(?:\\u[dD][89a-fA-F]"
    rb"|u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])"
    rb"|(?<!\\u[dD][89abAB][0-9a-fA-F]{2}\\)u[dD][c-fC-F])"
)
# All that may be one, with every backslash before it: it is none where they escape each other. (A run is taken from its
# beginning only, or a long one would be gone through again and again.)
_SURROGATE = re.compile(rb"(?<!\\)\\+u[dD][89a-fA-F][0-9a-fA-F]{2}")
_REPLACEMENT = b"\\ufffd"
_LOW = frozenset(b"cdefCDEF")


def _replace_lone_surrogates(payload: bytes) -> bytes:
    """Replace in place, for a body can consist of nothing but escapes, and a piece for each would be far larger."""
    if b"\\" not in payload or _SUSPECT.search(payload) is None:
        return payload
    replaced = bytearray(payload)
    high = -1  # where a high surrogate stands that has not met its partner yet
    for found in _SURROGATE.finditer(payload):
        at = found.end() - len(_REPLACEMENT)
        if (at - found.start()) % 2:
            continue
        low = payload[at + 3] in _LOW
        if low and 0 <= high == at - len(_REPLACEMENT):
            high = -1
            continue
        for alone in (high, at if low else -1):
            if alone >= 0:
                replaced[alone : alone + len(_REPLACEMENT)] = _REPLACEMENT
        high = -1 if low else at
    if high >= 0:
        replaced[high : high + len(_REPLACEMENT)] = _REPLACEMENT
    return bytes(replaced)
