"""The items of a dataset as a query string asks for them: its parameters, checked."""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, Final

from accounts.lib.api_errors import ApiError, invalid_value
from resources.datasets.formats import xml
from resources.datasets.formats.formats import FORMATS
from resources.datasets.options import ItemsOptions
from resources.datasets.views import read_views

# Offsets and limits beyond this are no mistake worth another answer than "nothing there".
MAX_POSITION: Final = 1 << 53
MAX_NAMES: Final = 2000
MAX_ELEMENT_LENGTH: Final = 200


def parse_items_query(query: Mapping[str, str], load_schema: Callable[[], str] | None = None) -> ItemsOptions:
    """Read the options from a query string; of a parameter given twice the last counts.

    A view says what the other parameters do not say.

    Args:
        query: the parameters.
        load_schema: gives the schema of the dataset, as JSON text, "" for none; asked where a view is named. None
            where there is no dataset yet: then no view is applied.

    Raises:
        ApiError: `invalid-value`, naming the parameter; `requested-dataset-view-does-not-exist`.
    """
    found: dict[str, Any] = {}
    names = [name for name in query if name in _PARAMETERS and query[name]]  # what is empty is not given
    for name in sorted(names, key=_ORDER.__getitem__) if len(names) > 1 else names:
        field, read = _PARAMETERS[name]
        found[field] = read(query, name)
    if found.pop("simplified", False):
        found["fields"] = found.get("fields") or _SIMPLIFIED_FIELDS
        found["unwind"] = found.get("unwind") or _SIMPLIFIED_UNWIND
    if found.pop("clean", False):
        found["skip_empty"] = found["skip_hidden"] = True
    view = found.pop("view", "")
    if view and load_schema is not None:
        said = {name: value for name, value in found.items() if value not in ((), None)}
        found = _view_options(view, load_schema()) | said
    return ItemsOptions(**found)


def _view_options(name: str, schema: str) -> dict[str, Any]:
    view = read_views(schema).get(name)
    if view is None:
        message = f'The dataset has no view called "{name[:MAX_ELEMENT_LENGTH]}" in its schema.'
        raise ApiError(HTTPStatus.BAD_REQUEST, "requested-dataset-view-does-not-exist", message)
    return view.options()


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
    "view": ("view", _text),
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
