"""How the items of a dataset are asked for: the parameters of the API's query string, checked."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from accounts.errors import invalid_value
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
        clean, simplified = _flag(query, "clean"), _flag(query, "simplified")
        fields, unwind = _names(query, "fields"), _names(query, "unwind")
        if simplified:  # the results of the crawler that Apify's platform began with
            fields = fields or ("url", "pageFunctionResult", "errorInfo")
            unwind = unwind or ("pageFunctionResult",)
        if query.get("view"):
            raise invalid_value("view", "the dataset has no schema that defines views.")
        return cls(
            format=_format(query),
            offset=_position(query, "offset") or 0,
            limit=_position(query, "limit") or None,  # the clients send 0 for no limit
            desc=_flag(query, "desc"),
            fields=fields,
            output_fields=_output_fields(query, fields),
            omit=_names(query, "omit"),
            unwind=unwind,
            flatten=_names(query, "flatten"),
            skip_empty=clean or _flag(query, "skipEmpty"),
            skip_hidden=clean or _flag(query, "skipHidden"),
            skip_failed_pages=_flag(query, "skipFailedPages"),
            delimiter=_delimiter(query),
            bom=_flag(query, "bom") if query.get("bom") else None,
            skip_header_row=_flag(query, "skipHeaderRow"),
            xml_root=_element(query, "xmlRoot", "items"),
            xml_row=_element(query, "xmlRow", "item"),
            feed_title=query.get("feedTitle") or "",
            feed_description=query.get("feedDescription") or "",
        )


def _format(query: Mapping[str, str]) -> str:
    format_ = query.get("format") or "json"
    if format_ not in FORMATS:
        raise invalid_value("format", f"it must be one of {', '.join(FORMATS)}.")
    return format_


def _flag(query: Mapping[str, str], name: str) -> bool:
    text = (query.get(name) or "").lower()
    if text in ("1", "true"):
        return True
    if text in ("", "0", "false"):
        return False
    raise invalid_value(name, "it must be true or false, or 1 or 0.")


def _element(query: Mapping[str, str], name: str, usual: str) -> str:
    text = query.get(name) or usual
    if len(text) > MAX_ELEMENT_LENGTH or not xml.NAME.match(text):
        raise invalid_value(name, "it must be a name of an XML element, without a colon.")
    return text


def _position(query: Mapping[str, str], name: str) -> int | None:
    text = query.get(name)
    if not text:
        return None
    if not (text.isascii() and text.isdecimal()):
        raise invalid_value(name, "it must be a whole number, 0 or more.")
    return MAX_POSITION if len(text) > 15 else int(text)


def _names(query: Mapping[str, str], name: str) -> tuple[str, ...]:
    text = query.get(name) or ""
    names = tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    if len(names) > MAX_NAMES:
        raise invalid_value(name, f"it must not name more than {MAX_NAMES} fields.")
    return names


def _output_fields(query: Mapping[str, str], fields: tuple[str, ...]) -> tuple[str, ...]:
    text = query.get("outputFields")
    if not text:
        return ()
    names = tuple(part.strip() for part in text.split(","))
    if not fields:
        raise invalid_value("outputFields", 'it needs "fields" to rename.')
    if len(names) != len(fields):
        raise invalid_value("outputFields", 'it must have as many names as "fields".')
    if not all(names) or len(set(names)) != len(names):
        raise invalid_value("outputFields", "its names must not be empty and must differ from each other.")
    return names


def _delimiter(query: Mapping[str, str]) -> str:
    delimiter = query.get("delimiter") or ","
    if len(delimiter) != 1 or delimiter in '"\r\n\x00' or "\ud800" <= delimiter <= "\udfff":
        raise invalid_value("delimiter", "it must be one character, and no quotation mark or line break.")
    return delimiter
