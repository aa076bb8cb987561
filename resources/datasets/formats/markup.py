"""Turn text of any origin into what XML and HTML can hold."""

import re

# What no XML document may contain, not even escaped.
_IMPOSSIBLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_SPECIAL = re.compile("[&<>\"'\r\t\n]|[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
_IN_TEXT = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;", "\t": "\t", "\n": "\n", '"': '"', "'": "'"}
_IN_ATTRIBUTE = _IN_TEXT | {"\t": "&#9;", "\n": "&#10;", '"': "&quot;", "'": "&#39;"}


def possible(text: str) -> str:
    """Return the text with what XML knows no way to write replaced by U+FFFD: control characters and such."""
    return _IMPOSSIBLE.sub(_REPLACEMENT, text)


def escape(text: str) -> str:
    """Return the text as the content of an element."""
    return _SPECIAL.sub(lambda found: _IN_TEXT.get(found[0], _REPLACEMENT), text)


def escape_attribute(text: str) -> str:
    """Return the text as the value of an attribute, to stand between quotation marks."""
    return _SPECIAL.sub(lambda found: _IN_ATTRIBUTE.get(found[0], _REPLACEMENT), text)
