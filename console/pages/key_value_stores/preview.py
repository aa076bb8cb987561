"""A record as its page shows it: JSON laid out, text as text, raster images; of everything else, what it is.

What a user stored never runs in the console: HTML, SVG and scripts are shown as their text.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from enum import StrEnum

import msgspec

from console.pages.components.cells import printable
from console.pages.components.json_format import format_json
from console.pages.components.secret_masking import mask_secrets
from resources.models import Record
from resources.records import charsets
from resources.records.content import Undecodable, UnpacksTooLarge, decoded_pieces, stored_pieces
from resources.records.content_types import as_served, media_type
from resources.records.reading import open_current

MAX_BYTES = 128 * 1024
MAX_CHARACTERS = 128 * 1024
MAX_IMAGE_BYTES = 16 * 1024 * 1024
# Pictures made of pixels, which are nothing but pictures. An SVG is a document.
_RASTER = frozenset({"image/avif", "image/bmp", "image/gif", "image/jpeg", "image/png", "image/webp"})
_TEXT = frozenset(
    {
        "application/ecmascript",
        "application/graphql",
        "application/javascript",
        "application/sql",
        "application/toml",
        "application/x-javascript",
        "application/x-ndjson",
        "application/x-sh",
        "application/x-www-form-urlencoded",
        "application/x-yaml",
        "application/xhtml+xml",
        "application/xml",
        "application/yaml",
        "image/svg+xml",
    }
)


class Form(StrEnum):
    """In which way a record is shown."""

    JSON = "json"
    TEXT = "text"
    IMAGE = "image"
    BINARY = "binary"
    LARGE_IMAGE = "large image"
    EMPTY = "empty"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class Preview:
    """What a page shows of a record. `is_cut` says that there is more, `note` what there is to say besides."""

    form: Form
    text: str = ""
    is_cut: bool = False
    note: str = ""


def is_raster(content_type: str) -> bool:
    """Tell whether this is a picture that a browser may show in a page."""
    return media_type(as_served(content_type)) in _RASTER


def build_preview(record: Record, secret: Collection[str] | None = None) -> Preview:
    """Return the preview of a record, for which no more than its beginning is read.

    With `secret`, the names of an input's secret fields, dots stand for them and for all that is encrypted.

    Raises:
        FileNotFoundError: when the record was deleted in the meantime.
    """
    essence = media_type(as_served(record.content_type))
    if not record.size:
        return Preview(Form.EMPTY)
    if essence in _RASTER:
        return Preview(Form.IMAGE if record.size <= MAX_IMAGE_BYTES else Form.LARGE_IMAGE)
    is_json = essence == "application/json" or essence.endswith("+json")
    if not (is_json or essence.startswith("text/") or essence in _TEXT or essence.endswith("+xml")):
        return Preview(Form.BINARY)
    try:
        start, is_whole = _read_start(record)
    except (Undecodable, UnpacksTooLarge):
        return Preview(Form.UNREADABLE)
    text, note = _decode(record, start, is_whole)
    shown = _as_json(text, note, is_whole) if is_json else Preview(Form.TEXT, printable(text), not is_whole, note)
    return shown if secret is None else replace(shown, text=mask_secrets(shown.text, secret))


def _as_json(text: str, note: str, is_whole: bool) -> Preview:
    if is_whole and not note and not _is_json(text):
        return Preview(Form.TEXT, printable(text), note="This is not valid JSON.")
    laid_out, is_cut = format_json(text, MAX_CHARACTERS)
    return Preview(Form.JSON, printable(laid_out), is_cut or not is_whole, note)


def _decode(record: Record, start: bytes, is_whole: bool) -> tuple[str, str]:
    """Return the text of a record's beginning, by the declared charset, and what there is to say of it."""
    charset = charsets.declared_charset(record.content_type)
    try:
        text, is_clean = charsets.decode(start, charset, is_whole=is_whole)
    except charsets.UnknownCharset:
        text = start.decode(errors="replace" if is_whole else "ignore")
        return text, f"The charset “{charset}” is not known here, so this is shown as if it were UTF-8."
    if is_clean:
        return text, ""
    return text, f"Not all of this is {charset or 'UTF-8'}: � stands for what is not."


def _read_start(record: Record) -> tuple[bytes, bool]:
    """Return at most the first MAX_BYTES of a record, out of its encoding, and whether they are all."""
    found = open_current(record)
    if found is None:
        raise FileNotFoundError(record.key)
    current, stream = found
    pieces = decoded_pieces(current, stream) if current.content_encoding else stored_pieces(stream)
    taken, size = [], 0
    try:
        for piece in pieces:
            taken.append(piece)
            size += len(piece)
            if size > MAX_BYTES:
                break
    finally:
        stream.close()
    start = b"".join(taken)
    return start[:MAX_BYTES], size <= MAX_BYTES


def _is_json(text: str) -> bool:
    try:
        msgspec.json.decode(text, type=msgspec.Raw)  # which knows numbers of any size
    except RecursionError:
        return True  # too deep to say; laying it out is not
    except (msgspec.DecodeError, UnicodeError):
        return False
    return True
