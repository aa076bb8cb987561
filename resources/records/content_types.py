"""What the content type of a record can be."""

import re

MAX_LENGTH = 255
_WORD = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_JSON = re.compile(r"application/(?:[a-z0-9.+-]+\+)?json\s*(?:;|\Z)", re.IGNORECASE)
_CONTENT_TYPE = re.compile(rf"{_WORD}/{_WORD}[ \t]*(?:;[\t\x20-\x7e]*)?\Z")
_QUOTED = r'"(?:[\t \x21\x23-\x5b\x5d-\x7e]|\\[\t\x20-\x7e])*"'
# Each character can match in one place only, so that a text has one reading and failing takes no longer than matching.
# There are no possessive quantifiers, because Python 3.11.2 (Debian 12) matches them wrongly.
_PARAMETER = rf"{_WORD}=(?:{_WORD}|{_QUOTED})[ \t]*"
_EACH_PARAMETER = re.compile(rf"({_WORD})=(?:({_WORD})|({_QUOTED}))")
_ESCAPED = re.compile(r"\\(.)")
_PARSED = re.compile(rf"{_WORD}/{_WORD}[ \t]*(?:;[ \t]*(?:{_PARAMETER})?)*\Z")
ANY_BYTES = "application/octet-stream"


def can_be_content_type(text: str) -> bool:
    """Tell whether `text` is a media type, with or without parameters, that is short enough to be kept."""
    return len(text) <= MAX_LENGTH and _CONTENT_TYPE.match(text) is not None


def as_served(content_type: str) -> str:
    """Return a stored content type as it is served: itself where it is one by the rules of HTTP, else ANY_BYTES.

    Browsers take `image/png;,text/html` apart in ways of their own, and could find another type in it than we do.
    """
    return content_type if len(content_type) <= MAX_LENGTH and _PARSED.match(content_type) else ANY_BYTES


def is_json(content_type: str) -> bool:
    """Tell whether a content type says that something is JSON."""
    return _JSON.match(content_type) is not None


def media_type(content_type: str) -> str:
    """Return a media type without its parameters, in lower case."""
    return content_type.partition(";")[0].strip().lower()


def parse_parameter(content_type: str, name: str) -> str:
    """Return the first parameter of this name, "" where there is none. `name` is in lower case; case is ignored."""
    _, _, parameters = content_type.partition(";")
    for found in _EACH_PARAMETER.finditer(parameters):
        if found[1].lower() == name:
            return found[2] or _ESCAPED.sub(r"\1", found[3][1:-1])
    return ""
