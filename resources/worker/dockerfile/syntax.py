"""The syntax of Dockerfiles: instructions, their words, and the variables in them."""

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from typing import Final

MAX_INSTRUCTIONS: Final = 1000
MAX_VALUE: Final = 32 * 1024
_VARIABLE = re.compile(
    r"\\(?P<escaped>\$)|\$(?:(?P<plain>[A-Za-z_]\w*)|\{(?P<braced>[A-Za-z_]\w*)(?::(?P<mode>[-+])(?P<word>[^}]{0,1000}))?\})"
)
_HEREDOC = re.compile(r"<<-?\s*[\"']?(\w+)[\"']?")


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
    lines = iter(enumerate(text.replace("\r\n", "\n").split("\n"), 1))
    for number, line in lines:
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        name, _, rest = _whole(line.strip(), lines).partition(" ")
        if name.upper() in ("RUN", "COPY", "ADD"):
            for mark in _HEREDOC.findall(rest):
                _skip_heredoc(lines, mark)
        yield number, name.upper(), rest.strip()


def _whole(line: str, following: Iterator[tuple[int, str]]) -> str:
    """Return an instruction in one line: the first one, and those that it goes on in."""
    parts = [line]
    while parts[-1].endswith("\\"):
        added = next((line for _, line in following if line.strip() and not line.lstrip().startswith("#")), None)
        parts[-1] = parts[-1][:-1].rstrip()
        if added is None:
            break
        parts.append(added.strip())
    return " ".join(parts)


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
        flag, _, rest = rest.partition(" ")
        name, _, value = flag[2:].partition("=")
        flags[name] = value
        rest = rest.lstrip()
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


def _skip_heredoc(lines: Iterator[tuple[int, str]], mark: str) -> None:
    for _, line in lines:
        if line.strip() == mark:
            return
