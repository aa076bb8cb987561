"""JSON laid out for reading, token by token: nothing is lost, and what is too long or too deep ends early."""

import re
from collections.abc import Iterator

# A text, with or without its end; a bracket, comma or colon; or whatever else stands between those.
_TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"?|[{}\[\],:]|[^\s{}\[\],:"]+', re.DOTALL)
_INDENT = "  "
_DEEPEST_INDENT = 40
_CLOSING = {"{": "}", "[": "]"}


def format_json(text: str, longest: int) -> tuple[str, bool]:
    """Return JSON text with line breaks and indentation, cut after about `longest` characters, and whether it was cut.

    Numbers and texts stay exactly as they are written, so does what is not JSON at all. Indentation stops growing
    at some depth, so that depth cannot make it longer than a page can take.
    """
    pieces, length = [], 0
    for piece in _pieces(text):
        if length + len(piece) > longest:
            pieces.append(piece[: longest - length])
            return "".join(pieces), True
        pieces.append(piece)
        length += len(piece)
    return "".join(pieces), False


def _pieces(text: str) -> Iterator[str]:
    depth, before = 0, ""
    for match in _TOKEN.finditer(text):
        part = match.group()
        if part in ("}", "]"):
            depth = max(0, depth - 1)
        if _breaks(before, part):
            yield "\n" + _INDENT * min(depth, _DEEPEST_INDENT)
        yield ": " if part == ":" else part
        if part in _CLOSING:
            depth += 1
        before = part


def _breaks(before: str, part: str) -> bool:
    """Tell whether a line ends between two tokens; an empty object or array stays in one piece."""
    if before in _CLOSING:
        return part != _CLOSING[before]
    return before == "," or part in ("}", "]")
