"""Templates of what a webhook sends: JSON in which `{{eventData.actorId}}` stands where a value may stand.

A template is read as JSON and never pasted together as text, so that what a run was called, or said, cannot add a field
or a header. With `in_strings` variables are filled in within strings as well, as text.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

MAX_TEMPLATE = 20_000
MAX_HEADERS = 50
DEFAULT_PAYLOAD = """{
    "userId": {{userId}},
    "createdAt": {{createdAt}},
    "eventType": {{eventType}},
    "eventData": {{eventData}},
    "resource": {{resource}}
}"""
# The request's own; a template that names them is not refused, as Apify does not refuse it, and changes nothing.
OWN_HEADERS = frozenset(
    {
        "host",
        "content-type",
        "content-length",
        "content-encoding",
        "transfer-encoding",
        "connection",
        "expect",
        "te",
        "trailer",
        "upgrade",
        "x-apify-webhook",
        "x-apify-webhook-dispatch-id",
        "x-apify-request-origin",
    }
)

# A string, which is passed by as a whole, or a variable outside of one.
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|\{\{\s*([A-Za-z0-9_]+(?:\.[A-Za-z0-9_]+)*)\s*\}\}', re.DOTALL)
_IN_STRING = re.compile(r"\{\{\s*([A-Za-z0-9_]+(?:\.[A-Za-z0-9_]+)*)\s*\}\}")
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}\Z")
_MAX_HEADER_VALUE = 4000


class BadTemplate(ValueError):
    """A template that cannot be filled in; the message says why."""


def payload(template: str, variables: Mapping[str, Any], *, in_strings: bool) -> bytes:
    """Return the JSON that is sent; an empty template stands for DEFAULT_PAYLOAD.

    Raises:
        BadTemplate: when it is not JSON apart from its variables.
    """
    filled = _filled(template or DEFAULT_PAYLOAD, variables, in_strings=in_strings)
    return json.dumps(filled, ensure_ascii=False).encode(errors="replace")


def headers(template: str, variables: Mapping[str, Any], *, in_strings: bool) -> dict[str, str]:
    """Return the headers that a template adds to a request, without those in OWN_HEADERS.

    Raises:
        BadTemplate: when it is not a JSON object of what headers may say.
    """
    if not template.strip():
        return {}
    filled = _filled(template, variables, in_strings=in_strings)
    if not isinstance(filled, dict) or len(filled) > MAX_HEADERS:
        raise BadTemplate(f"It must be a JSON object of at most {MAX_HEADERS} headers.")
    return {name: _header(name, value) for name, value in filled.items() if name.lower() not in OWN_HEADERS}


def check_payload(template: str) -> None:
    """Look at a template that is about to be saved.

    Raises:
        BadTemplate: when it cannot be filled in, whatever the variables hold.
    """
    payload(_checked(template), {}, in_strings=False)


def check_headers(template: str) -> None:
    """Look at a template of headers that is about to be saved.

    Raises:
        BadTemplate: when it cannot be filled in, whatever the variables hold.
    """
    headers(_checked(template), {}, in_strings=False)


def _checked(template: str) -> str:
    if len(template) > MAX_TEMPLATE or "\x00" in template:
        raise BadTemplate(f"It must have at most {MAX_TEMPLATE:,} characters, and no NUL among them.")
    return template


def _filled(template: str, variables: Mapping[str, Any], *, in_strings: bool) -> Any:
    def fill(match: re.Match[str]) -> str:
        return match[0] if match[1] is None else json.dumps(_value(match[1], variables))

    if not in_strings:
        return _read(_TOKEN.sub(fill, template))
    # Strings are filled in first, as parts of the template: what variables bring is not looked through again.
    return _read(_TOKEN.sub(lambda match: _string(match, variables), template))


def _string(match: re.Match[str], variables: Mapping[str, Any]) -> str:
    if match[1] is not None:
        return json.dumps(_value(match[1], variables))
    text = _read(match[0])
    return json.dumps(_IN_STRING.sub(lambda found: _text(_value(found[1], variables)), text))


def _read(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        where = f" in line {error.lineno}, column {error.colno}" if isinstance(error, json.JSONDecodeError) else ""
        raise BadTemplate(
            f"It must be JSON, with variables like {{{{eventData}}}} in place of values{where}."
        ) from None


def _value(path: str, variables: Mapping[str, Any]) -> Any:
    """Return what `a.b.0.c` leads to, None where it leads nowhere."""
    found: Any = variables
    for step in path.split("."):
        if isinstance(found, Mapping):
            found = found.get(step)
        elif isinstance(found, list) and step.isascii() and step.isdigit() and int(step) < len(found):
            found = found[int(step)]
        else:
            return None
    return found


def _text(value: Any) -> str:
    """Return a value as it stands within a string."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _header(name: str, value: Any) -> str:
    if not _HEADER_NAME.match(name):
        raise BadTemplate(f'"{name[:100]}" cannot be the name of a header.')
    text = _text(value)
    if len(text) > _MAX_HEADER_VALUE or not text.isprintable() or not _is_latin(text):
        raise BadTemplate(f'The value of the header "{name}" must be one line of Latin-1, at most {_MAX_HEADER_VALUE}.')
    return text


def _is_latin(text: str) -> bool:
    try:
        text.encode("latin-1")
    except UnicodeEncodeError:
        return False
    return True
