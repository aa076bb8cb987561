"""Items that are filtered or unwound on their way out: by which parameters, and what has to come of each of them."""

from dataclasses import dataclass
from typing import Any

Item = dict[str, Any]

# Which items are kept: none in front, few in the middle, none at the end.
KEPT = "--+---++-"
WHOLE: tuple[int, int | None] = (0, None)
# Ways to go through them: how many items a page has, offset and limit, and whether the last ones come first.
_PARTS_IN: dict[int, list[tuple[int, int | None]]] = {
    1: [(3, None), (2, 100)],
    2: [(1, 4), (len(KEPT), None)],
    5: [(2, 6), (0, 7)],
}
WAYS = [
    (size, part, desc)
    for size in range(1, len(KEPT) + 2)
    for part in (WHOLE, *_PARTS_IN.get(size, ()))
    for desc in (False, True)
]


@dataclass(frozen=True, slots=True)
class Filtered:
    """Some items, the parameters of the API by which they are read, and the records that each of them becomes."""

    name: str
    parameters: dict[str, Any]
    items: list[Item]
    becomes: list[list[Item]]

    def expected(self, offset: int, limit: int | None, *, desc: bool) -> list[Item]:
        """Return what a client has to be given that goes through `limit` items from `offset` on."""
        inside = self.becomes[::-1] if desc else self.becomes
        end = len(inside) if limit is None else offset + limit
        return [record for records in inside[offset:end] for record in records]

    @property
    def keeps_count(self) -> bool:
        """Whether each item becomes one record."""
        return all(len(records) == 1 for records in self.becomes)


def _filtered(name: str, parameters: dict[str, Any], dropped: Item, kept: Item, becomes: list[Item]) -> Filtered:
    """Make of one item that is dropped, and one that is kept, as many as KEPT says, with a number in each `n`."""
    items, records = [], []
    for at, mark in enumerate(KEPT):
        is_kept = mark == "+"
        items.append(_numbered(kept if is_kept else dropped, at))
        records.append([_numbered(each, at) for each in becomes] if is_kept else [])
    return Filtered(name, parameters, items, records)


def _numbered(item: Item, number: int) -> Item:
    return {key: number if key == "n" else value for key, value in item.items()}


_PARTS = [{"part": 1}, {"part": 2}, {"part": 3}]
_UNWOUND = [{"n": 0, "part": number} for number in (1, 2, 3)]

FILTERED = [
    _filtered("skipEmpty", {"skipEmpty": True}, {}, {"n": 0}, [{"n": 0}]),
    _filtered("clean", {"clean": True}, {"#try": 1}, {"n": 0, "#try": 1}, [{"n": 0}]),
    _filtered("fields", {"fields": ["n"], "skipEmpty": True}, {"m": 1}, {"n": 0, "m": 1}, [{"n": 0}]),
    _filtered("omit", {"omit": ["m"], "clean": True}, {"m": 1, "#try": 1}, {"n": 0, "m": 1}, [{"n": 0}]),
    _filtered("unwind", {"unwind": ["of"]}, {"n": 0, "of": []}, {"n": 0, "of": _PARTS}, _UNWOUND),
    _filtered("skipFailedPages", {"skipFailedPages": True}, {"n": 0, "errorInfo": "x"}, {"n": 0}, [{"n": 0}]),
    _filtered(
        "simplified",
        {"simplified": True},
        {"url": "u", "pageFunctionResult": []},
        {"url": "u", "pageFunctionResult": [{"part": 1}, {"part": 2}], "n": 0},
        [{"url": "u", "part": 1}, {"url": "u", "part": 2}],
    ),
    Filtered(
        "skipHidden",
        {"skipHidden": True},
        [{"n": at, "#try": 1} if mark == "+" else {"#try": 1} for at, mark in enumerate(KEPT)],
        [[{"n": at} if mark == "+" else {}] for at, mark in enumerate(KEPT)],
    ),
    Filtered("nothing", {}, [{"n": at} for at in range(len(KEPT))], [[{"n": at}] for at in range(len(KEPT))]),
    Filtered("all", {"clean": True}, [{"#try": 1}] * len(KEPT), [[]] * len(KEPT)),
]
