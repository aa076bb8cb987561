"""The views of a dataset: the ways to look at its items that its schema names.

A view is what a request for items can say, said beforehand, and what the columns of a table are called. It is written
as in Apify's specification of dataset schemas (https://docs.apify.com/storage/dataset-schema).
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Annotated, Any, Final

import msgspec

_CACHED: Final = 64


class ViewTransformation(msgspec.Struct, frozen=True):
    """What becomes of the items."""

    fields: list[str] | None = None
    unwind: list[str] | None = None
    flatten: list[str] | None = None
    omit: list[str] | None = None
    limit: Annotated[int, msgspec.Meta(ge=0)] | None = None
    desc: bool | None = None


class ViewProperty(msgspec.Struct, frozen=True):
    """How one field is shown."""

    label: str | None = None


class ViewDisplay(msgspec.Struct, frozen=True):
    """How the items are shown."""

    properties: dict[str, ViewProperty] | None = None


class View(msgspec.Struct, frozen=True):
    """One view."""

    title: str | None = None
    transformation: ViewTransformation = ViewTransformation()
    display: ViewDisplay = ViewDisplay()

    def options(self) -> dict[str, Any]:
        """Return what the view says, as the arguments of `ItemsOptions` that it says."""
        wanted = self.transformation
        properties = self.display.properties or {}
        said = {
            "fields": _names(wanted.fields),
            "unwind": _names(wanted.unwind),
            "flatten": _names(wanted.flatten),
            "omit": _names(wanted.omit),
            "limit": wanted.limit,
            "desc": wanted.desc,
            "labels": tuple((name, each.label) for name, each in properties.items() if each.label),
        }
        return {name: value for name, value in said.items() if value}


class UnusableViews(ValueError):
    """Views that are not written as views are; the message says where."""


class _Schema(msgspec.Struct):
    views: dict[str, View] | None = None


def read_views(schema: str) -> Mapping[str, View]:
    """Return the views of a schema, as JSON text ("": none), by their names.

    A schema from before views were checked may have some that cannot be read; it has none then.
    """
    try:
        return _parse(schema)
    except UnusableViews:
        return {}


def check_views(schema: str) -> None:
    """Check the views of a schema, as JSON text of an object.

    Raises:
        UnusableViews: when they are not written as views are.
    """
    _parse(schema)


@lru_cache(maxsize=_CACHED)
def _parse(schema: str) -> Mapping[str, View]:
    try:
        return msgspec.json.decode(schema or "{}", type=_Schema).views or {}
    except msgspec.DecodeError as error:
        raise UnusableViews(str(error)) from None


def _names(names: list[str] | None) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names or ()))
