"""JSON text with dots in place of what is secret: texts that are encrypted, and the values of secret fields.

A page must not repeat a secret that was typed, even where the text around it is not JSON (yet). So this goes by the
tokens of the text, and by the names of the fields.
"""

import json
import re
from collections.abc import Collection, Iterator

from resources.secret_inputs.values import is_encrypted

DOTS = "••••••••"
_TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"?|[{}\[\],:]|[^\s{}\[\],:"]+', re.DOTALL)
_OPENING, _CLOSING = frozenset("{["), frozenset("}]")
_ENDING = _CLOSING | {","}
_FIELDS_DEPTH = 1


def mask_secrets(text: str, names: Collection[str] = ()) -> str:
    """Return JSON text with a text of dots for each value that is encrypted, and for those of the fields `names`.

    Only fields of the outermost object are hidden by their name.
    """
    pieces, at = [], 0
    for start, end in _spans([*_TOKEN.finditer(text)], names):
        pieces += [text[at:start], f'"{DOTS}"']
        at = end
    return "".join([*pieces, text[at:]])


def _spans(tokens: list[re.Match[str]], names: Collection[str]) -> Iterator[tuple[int, int]]:
    depth, index = 0, 0
    while index < len(tokens):
        token = tokens[index].group()
        depth += (token in _OPENING) - (token in _CLOSING)
        is_value = index > 1 and tokens[index - 1].group() == ":" and token not in _CLOSING
        if is_value and depth - (token in _OPENING) <= _FIELDS_DEPTH and _name(tokens[index - 2].group()) in names:
            last = _end_of_value(tokens, index)
            depth -= token in _OPENING
            yield tokens[index].start(), tokens[last].end()
            index = last
        elif is_encrypted(token.strip('"')):
            yield tokens[index].span()
        index += 1


def _end_of_value(tokens: list[re.Match[str]], first: int) -> int:
    """Return the index of the last token of a value; one that is not JSON goes on to the next comma or bracket."""
    depth = 0
    for index in range(first, len(tokens)):
        token = tokens[index].group()
        if depth == 0 and index > first and token in _ENDING:
            return index - 1
        depth += (token in _OPENING) - (token in _CLOSING)
    return len(tokens) - 1


def _name(token: str) -> str:
    """Return the name that a token spells, with any quotes around it or none."""
    try:
        name = json.loads(token)
    except (ValueError, RecursionError):
        return token.strip("\"'")
    return name if isinstance(name, str) else token
