"""The syntax of Dockerfiles: instructions, their words, and the variables in them."""

import json
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

MAX_INSTRUCTIONS: Final = 1000
MAX_VALUE: Final = 32 * 1024
_VARIABLE = re.compile(
    r"\\(?P<escaped>\$)|\$(?:(?P<plain>[A-Za-z_]\w*)|\{(?P<braced>[A-Za-z_]\w*)(?::(?P<mode>[-+])(?P<word>[^}]{0,1000}))?\})"
)
# Words of a line of shell with their quotes, and one that begins a here-document, as BuildKit has it:
# https://github.com/moby/buildkit/blob/master/frontend/dockerfile/parser/parser.go
_WORD = re.compile(r"""(?:[^\s"'\\]|\\.|"(?:[^"\\]|\\.)*"|'[^']*')+""")
_HEREDOC = re.compile(r"""\d*<<(?P<dash>-?)(?P<mark>[^<\s"']+|"[^<"]+"|'[^<']+')\Z""")
_DIRECTIVE = re.compile(r"\s*#\s*(?P<name>[A-Za-z]+)\s*=\s*(?P<value>\S+)\s*\Z")


class TooLarge(ValueError):
    """A Dockerfile has more of something than one may have; the message says of what."""


def instructions(text: str) -> Iterator[tuple[int, str, str]]:
    """Yield the instructions: the line on which each begins, its name in capitals, and the rest of it in one line.

    Raises:
        TooLarge: when they are too many.
    """
    for count, found in enumerate(_instructions(text)):
        if count == MAX_INSTRUCTIONS:
            raise TooLarge(f"The Dockerfile has more than {MAX_INSTRUCTIONS} instructions.")
        yield found


def _instructions(text: str) -> Iterator[tuple[int, str, str]]:
    lines = text.replace("\r\n", "\n").split("\n")
    escape = _find_escape(lines)
    at = 0
    while at < len(lines):
        begin, line = at, lines[at].strip()
        at += 1
        if not line or line.startswith("#"):
            continue
        whole, at = _whole(line, lines, at, escape)
        name, *rest = whole.split(None, 1) or [""]
        if name.upper() in ("RUN", "COPY", "ADD"):
            at = _skip_heredocs(rest[0] if rest else "", lines, at)
        yield begin + 1, name.upper(), rest[0].strip() if rest else ""


def _find_escape(lines: Sequence[str]) -> str:
    """Return the character that lets an instruction go on in the next line, which a directive at the top may change."""
    for line in lines:
        found = _DIRECTIVE.match(line)
        if found is None:
            break
        if found["name"].lower() == "escape" and found["value"] in ("\\", "`"):
            return found["value"]
    return "\\"


def _whole(line: str, lines: Sequence[str], at: int, escape: str) -> tuple[str, int]:
    """Return an instruction in one line, and where in the lines it has ended; `at` is the line after its first one."""
    parts = [line]
    while parts[-1].endswith(escape):
        parts[-1] = parts[-1][:-1].rstrip()
        while at < len(lines) and (not lines[at].strip() or lines[at].lstrip().startswith("#")):
            at += 1
        if at == len(lines):
            break
        parts.append(lines[at].strip())
        at += 1
    return " ".join(parts), at


def _skip_heredocs(rest: str, lines: Sequence[str], at: int) -> int:
    """Return where the lines go on after the here-documents of an instruction: words like <<EOF, outside of quotes."""
    for word in _WORD.findall(rest):
        found = _HEREDOC.match(word)
        if found is None:
            continue
        mark = found["mark"].strip("\"'")
        ends = (
            each
            for each in range(at, len(lines))
            if (lines[each].lstrip("\t") if found["dash"] else lines[each]).rstrip("\r") == mark
        )
        end = next(ends, None)
        if end is None:  # it has no end, so it is none
            return at
        at = end + 1
    return at


def json_words(text: str) -> list[str] | None:
    """Return the words of a JSON array, None where a text is none."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, list) and all(isinstance(word, str) for word in found) else None


def flags_and_words(rest: str) -> tuple[dict[str, str], list[str]]:
    """Return the flags of an instruction by name, and its other words: [] where they cannot be told apart."""
    flags = {}
    while rest.startswith("--"):
        flag, *words_left = rest.split(None, 1)
        rest = words_left[0] if words_left else ""
        name, _, value = flag[2:].partition("=")
        flags[name] = value
    words = json_words(rest)
    if words is None:
        try:
            words = shlex.split(rest)
        except ValueError:
            words = []
    return flags, words


def expand(text: str, variables: Mapping[str, str]) -> str:
    """Return a text with its variables replaced, as Docker does; of a result that is too long, its beginning."""
    parts, length, at = [], 0, 0
    for found in _VARIABLE.finditer(text):
        parts += [text[at : found.start()], _value(found, variables)]
        at = found.end()
        length += len(parts[-2]) + len(parts[-1])
        if length > MAX_VALUE:
            break
    return "".join([*parts, text[at:]])[:MAX_VALUE]


def _value(found: re.Match[str], variables: Mapping[str, str]) -> str:
    if found["escaped"]:
        return "$"
    known = variables.get(found["plain"] or found["braced"], "")
    if found["mode"] is None:
        return known
    uses_word = bool(known) == (found["mode"] == "+")
    return expand(found["word"], variables) if uses_word else known
