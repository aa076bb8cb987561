"""How the items of a dataset are asked for: the parameters of the API's query string, checked."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from accounts.lib.api_errors import invalid_value
from resources.datasets import xml
from resources.datasets.formats import FORMATS
from resources.datasets.scanning import Window

# Offsets and limits beyond this are no mistake worth another answer than "nothing there".
MAX_POSITION: Final = 1 << 53
MAX_NAMES: Final = 2000
MAX_ELEMENT_LENGTH: Final = 200


@dataclass(frozen=True, slots=True)
class ItemsOptions:
    """What is wanted of a dataset's items, and in which form.

    `format` is a name of `formats.FORMATS`. `limit` None means all, `bom` None what is usual for the format. Fields
    are named as they stand at the top level of an item; after `flatten`, by the dotted names that it makes.
    """

    format: str = "json"
    offset: int = 0
    limit: int | None = None
    desc: bool = False
    fields: tuple[str, ...] = ()
    output_fields: tuple[str, ...] = ()
    omit: tuple[str, ...] = ()
    unwind: tuple[str, ...] = ()
    flatten: tuple[str, ...] = ()
    skip_empty: bool = False
    skip_hidden: bool = False
    skip_failed_pages: bool = False
    delimiter: str = ","
    bom: bool | None = None
    skip_header_row: bool = False
    xml_root: str = "items"
    xml_row: str = "item"
    feed_title: str = ""
    feed_description: str = ""
    feed_link: str = ""

    def about(self, dataset_id: str, label: str, link: str) -> "ItemsOptions":
        """Return the options with what a feed says of the dataset, unless it was asked to say something else."""
        return replace(
            self,
            feed_title=self.feed_title or f"Dataset {label}",
            feed_description=self.feed_description or f'Items in dataset with id "{dataset_id}".',
            feed_link=self.feed_link or link,
        )

    @property
    def window(self) -> Window:
        """Which items are asked for."""
        return Window(self.offset, self.limit, self.desc)

    @property
    def plain(self) -> bool:
        """Whether items leave as they came: nothing picked, left out or changed."""
        return not (
            self.fields
            or self.omit
            or self.unwind
            or self.flatten
            or self.skip_empty
            or self.skip_hidden
            or self.skip_failed_pages
        )

    @classmethod
    def from_query(cls, query: Mapping[str, str]) -> "ItemsOptions":
        """Read the options from a query string; of a parameter given twice the last counts.

        Raises:
            ApiError: `invalid-value`, naming the parameter.
        """
        found: dict[str, Any] = {}
        given = [name for name in query if name in _PARAMETERS and query[name]]  # what is empty is not given
        for name in sorted(given, key=_ORDER.__getitem__) if len(given) > 1 else given:
            field, read = _PARAMETERS[name]
            found[field] = read(query, name)
        if found.pop("simplified", False):
            found["fields"] = found.get("fields") or _SIMPLIFIED_FIELDS
            found["unwind"] = found.get("unwind") or _SIMPLIFIED_UNWIND
        if found.pop("clean", False):
            found["skip_empty"] = found["skip_hidden"] = True
        return cls(**found)


# The results of the crawler that Apify's platform began with.
_SIMPLIFIED_FIELDS, _SIMPLIFIED_UNWIND = ("url", "pageFunctionResult", "errorInfo"), ("pageFunctionResult",)


def _format(query: Mapping[str, str], name: str) -> str:
    format_ = query[name]
    if format_ not in FORMATS:
        raise invalid_value(name, f"it must be one of {', '.join(FORMATS)}.")
    return format_


def _flag(query: Mapping[str, str], name: str) -> bool:
    text = (query.get(name) or "").lower()
    if text in ("1", "true"):
        return True
    if text in ("", "0", "false"):
        return False
    raise invalid_value(name, "it must be true or false, or 1 or 0.")


def _unless_clean(query: Mapping[str, str], name: str) -> bool:
    return _flag(query, "clean") or _flag(query, name)


def _text(query: Mapping[str, str], name: str) -> str:
    return query[name]


def _view(query: Mapping[str, str], name: str) -> None:
    raise invalid_value(name, "this server makes no views of datasets; choose fields, or unwind and flatten, instead.")


def _element(query: Mapping[str, str], name: str) -> str:
    text = query[name]
    if len(text) > MAX_ELEMENT_LENGTH or not xml.NAME.match(text):
        raise invalid_value(name, "it must be a name of an XML element, without a colon.")
    return text


def _position(query: Mapping[str, str], name: str) -> int:
    text = query[name]
    if not (text.isascii() and text.isdecimal()):
        raise invalid_value(name, "it must be a whole number, 0 or more.")
    return MAX_POSITION if len(text) > 15 else int(text)


def _limit(query: Mapping[str, str], name: str) -> int | None:
    return _position(query, name) or None  # the clients send 0 for no limit


def _names(query: Mapping[str, str], name: str) -> tuple[str, ...]:
    text = query.get(name) or ""
    names = tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    if len(names) > MAX_NAMES:
        raise invalid_value(name, f"it must not name more than {MAX_NAMES} fields.")
    return names


def _output_fields(query: Mapping[str, str], name: str) -> tuple[str, ...]:
    names = tuple(part.strip() for part in query[name].split(","))
    fields = _names(query, "fields") or (_SIMPLIFIED_FIELDS if _flag(query, "simplified") else ())
    if not fields:
        raise invalid_value(name, 'it needs "fields" to rename.')
    if len(names) != len(fields):
        raise invalid_value(name, 'it must have as many names as "fields".')
    if not all(names) or len(set(names)) != len(names):
        raise invalid_value(name, "its names must not be empty and must differ from each other.")
    return names


def _delimiter(query: Mapping[str, str], name: str) -> str:
    delimiter = query[name]
    if len(delimiter) != 1 or delimiter in '"\r\n\x00' or "\ud800" <= delimiter <= "\udfff":
        raise invalid_value(name, "it must be one character, and no quotation mark or line break.")
    return delimiter


# Each parameter, with the field that it becomes and what reads it, in the order in which they are checked.
_PARAMETERS: Final[dict[str, tuple[str, Callable[[Mapping[str, str], str], object]]]] = {
    "clean": ("clean", _flag),
    "simplified": ("simplified", _flag),
    "fields": ("fields", _names),
    "unwind": ("unwind", _names),
    "view": ("view", _view),
    "format": ("format", _format),
    "offset": ("offset", _position),
    "limit": ("limit", _limit),
    "desc": ("desc", _flag),
    "outputFields": ("output_fields", _output_fields),
    "omit": ("omit", _names),
    "flatten": ("flatten", _names),
    "skipEmpty": ("skip_empty", _unless_clean),
    "skipHidden": ("skip_hidden", _unless_clean),
    "skipFailedPages": ("skip_failed_pages", _flag),
    "delimiter": ("delimiter", _delimiter),
    "bom": ("bom", _flag),
    "skipHeaderRow": ("skip_header_row", _flag),
    "xmlRoot": ("xml_root", _element),
    "xmlRow": ("xml_row", _element),
    "feedTitle": ("feed_title", _text),
    "feedDescription": ("feed_description", _text),
}
_ORDER: Final = {name: at for at, name in enumerate(_PARAMETERS)}
