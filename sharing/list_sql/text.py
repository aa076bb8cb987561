"""Statements as text: written as they are read, and put together line by line."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from accounts.lib.sql import Statement

_PARAMETER = re.compile(r"%\((\w+)\)s")


class Query:
    """A statement with named parameters, put together once for each set of filters."""

    def __init__(self, sql: str) -> None:
        self.sql = sql
        self._names = _PARAMETER.findall(sql)
        self._statement = Statement(_PARAMETER.sub("%s", sql))

    def rows(self, parameters: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """Run it with the parameters that it names, and return its rows."""
        return self._statement.rows([parameters[name] for name in self._names])


def sql(text: str) -> str:
    """Return a statement without the lines before and after it, and without its indentation in the code."""
    lines = text.strip("\n").rstrip().split("\n")
    margin = len(lines[0]) - len(lines[0].lstrip())
    return "\n".join(line[margin:] for line in lines)


def fill(statement: str, /, **parts: str) -> str:
    """Return a statement with a part in each of its `{slots}`, indented as the line that it stands in."""
    return "\n".join(_fill_line(line, parts) if "{" in line else line for line in statement.split("\n"))


def _fill_line(line: str, parts: Mapping[str, str]) -> str:
    margin = " " * (len(line) - len(line.lstrip()))
    return line.format_map(parts).replace("\n", f"\n{margin}")


def narrow(statement: str, conditions: Iterable[str]) -> str:
    """Return a statement, which must end with its WHERE, with more conditions."""
    return statement + "".join("\n  AND " + each.replace("\n", "\n  ") for each in conditions)
