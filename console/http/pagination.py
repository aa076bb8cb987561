"""Lists that are read page by page, and the parameters that they share."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from django.http import QueryDict

from accounts.lib.api_errors import invalid_value

MAX_LIMIT = 1000
# The largest whole number that every JSON client can tell from its neighbours.
MAX_NUMBER = 2**53 - 1
_WHOLE_NUMBER = re.compile(r"[0-9]{1,16}(?:\.0{1,16})?\Z", re.ASCII)
_FLAGS = {"": False, "0": False, "false": False, "1": True, "true": True}

Choice = TypeVar("Choice")


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of a list is wanted: at most `limit` rows after the first `offset`, the newest first where `desc`."""

    offset: int
    limit: int
    desc: bool

    @classmethod
    def from_query(cls, query: QueryDict) -> "Page":
        """Read `offset`, `limit` and `desc`. No limit, or a limit of 0, is the largest one, and so is a larger one.

        Raises:
            ApiError: 400 naming the parameter that is not a number, or not true or false.
        """
        limit = whole_number(query, "limit", 0) or MAX_LIMIT
        return cls(whole_number(query, "offset", 0), min(limit, MAX_LIMIT), flag(query, "desc"))

    def answer(self, total: int, items: Sequence[Any], **more: Any) -> dict[str, Any]:
        """Return the page as the API writes it."""
        return {
            "total": total,
            "offset": self.offset,
            "limit": self.limit,
            "count": len(items),
            "desc": self.desc,
            **more,
            "items": items,
        }


def whole_number(query: QueryDict, name: str, default: int) -> int:
    """Return a parameter that is a number of things.

    Raises:
        ApiError: 400 when it is anything else than a whole number from 0 to 2^53 - 1.
    """
    text = query.get(name, "")
    if text == "":
        return default
    if not _WHOLE_NUMBER.match(text) or int(text.partition(".")[0]) > MAX_NUMBER:
        raise invalid_value(name, f"it must be a whole number from 0 to {MAX_NUMBER}.")
    return int(text.partition(".")[0])


def flag(query: Mapping[str, str], name: str) -> bool:
    """Return a parameter that is true or false; one that is not there is false.

    Raises:
        ApiError: 400 when it is anything else than true, false, 1 or 0.
    """
    value = _FLAGS.get(query.get(name, "").lower())
    if value is None:
        raise invalid_value(name, "it must be true, false, 1 or 0.")
    return value


def parse_choice(query: QueryDict, name: str, choices: dict[str, Choice], default: Choice) -> Choice:
    """Return what the parameter chooses among `choices`, or `default` when it is not there.

    Raises:
        ApiError: 400 naming the choices, for anything else.
    """
    text = query.get(name)
    if text is None:
        return default
    if text not in choices:
        raise invalid_value(name, f"it must be one of {', '.join(choices)}.")
    return choices[text]
