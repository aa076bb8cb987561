"""What the definition of a build says about the runs of it: how much memory they have, and which variables."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

import msgspec

from resources import memory
from resources.actors.environment import MAX_VALUE, NAME
from resources.models import Actor, Build, BuildContent
from resources.runs import memory_expressions
from resources.runs.memory_values import CannotCompute
from resources.runs.options import InvalidOption

# In a definition such a value stands for a secret that the command-line tool of Apify keeps on its user's machine.
_REFERENCE_MARK: Final = "@"
_NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})
_POSSIBLE: Final = tuple(
    mbytes
    for mbytes in (1 << shift for shift in range(memory.MAX_MEMORY_MBYTES.bit_length()))
    if memory.is_possible(mbytes)
)


class InvalidDefinition(ValueError):
    """A definition of which no run could be; the message says why."""


@dataclass(frozen=True, slots=True)
class MemoryLimits:
    """The memory of a run in megabytes: at least, at most, and where none is asked for; None where nothing is said.

    Where none is asked for, it may be computed by an expression instead (`memory_expressions.py`).
    """

    least: int | None = None
    most: int | None = None
    default: int | None = None
    expression: str = ""

    def possible(self) -> list[int]:
        """Return how much a run can have, ascending."""
        least, most = self.least or memory.MIN_MEMORY_MBYTES, self.most or memory.MAX_MEMORY_MBYTES
        return [mbytes for mbytes in _POSSIBLE if least <= mbytes <= most]

    def check(self) -> None:
        """Check that there is an amount of memory that a run can have, and that the expression is one.

        Raises:
            InvalidDefinition: when there is none, or it is none.
        """
        if self.expression:
            try:
                memory_expressions.parse(self.expression)
            except memory_expressions.BadExpression as error:
                raise InvalidDefinition(f"defaultMemoryMbytes of the definition cannot be computed: {error}.") from None
        if not self.possible():
            raise InvalidDefinition(
                "The definition of the Actor lets no run have any memory: no power of 2 is at least its "
                f"minMemoryMbytes, {self.least}, and at most its maxMemoryMbytes, {self.most}."
            )

    def hold(self, mbytes: int) -> None:
        """Check what is asked for.

        Raises:
            InvalidOption: when the Actor does not let a run have it.
        """
        possible = self.possible()
        if possible and not possible[0] <= mbytes <= possible[-1]:
            raise InvalidOption(
                "memory", f"the definition of the Actor allows {possible[0]} to {possible[-1]} megabytes."
            )

    def choose(self, actor: Actor, given: Mapping[str, Any] = _NOTHING, options: Mapping[str, Any] = _NOTHING) -> int:
        """Return how much a run has that asks for none: the definition's default or the Actor's, within the limits.

        An expression is computed with the fields of the run's input and its options, by their names in the API; where
        that gives nothing, the Actor's default holds, as documented by Apify.
        """
        possible = self.possible() or list(_POSSIBLE)
        wanted = self._compute(given, options) or self.default or actor.default_memory_mbytes
        return next((mbytes for mbytes in possible if mbytes >= wanted), possible[-1])

    def _compute(self, given: Mapping[str, Any], options: Mapping[str, Any]) -> int | None:
        """Return the power of two that is nearest to what the expression gives; None where it gives nothing."""
        if not self.expression:
            return None
        try:
            mbytes = memory_expressions.parse(self.expression)(given, options)
        except (memory_expressions.BadExpression, CannotCompute):
            return None
        return min(1 << max(0, math.floor(math.log2(mbytes) + 0.5)), memory.MAX_MEMORY_MBYTES)


def load_definition(build: Build | None) -> Mapping[str, Any]:
    """Return the definition of a build; an empty one where there is none."""
    if build is None:
        return {}
    text = BuildContent.objects.filter(build_id=build.pk).values_list("definition", flat=True).first()
    return parse_definition(text or "")


def parse_definition(text: str) -> Mapping[str, Any]:
    """Return a definition out of its JSON text, as a build keeps it; an empty one where it is no object."""
    found = msgspec.json.decode(text) if text else {}
    return found if isinstance(found, dict) else {}


def read_memory(definition: Mapping[str, Any]) -> MemoryLimits:
    """Return the limits of a definition. What is neither a number of megabytes nor an expression says nothing."""
    least, most, default = (
        _mbytes(definition.get(name)) for name in ("minMemoryMbytes", "maxMemoryMbytes", "defaultMemoryMbytes")
    )
    said = definition.get("defaultMemoryMbytes")
    return MemoryLimits(least, most, default, said if isinstance(said, str) else "")


def read_variables(definition: Mapping[str, Any]) -> dict[str, str]:
    """Return the `environmentVariables` of a definition that can be variables, but for names of secrets."""
    found = definition.get("environmentVariables")
    if not isinstance(found, dict):
        return {}
    return {name: value for name, value in found.items() if _is_variable(name, value) and value[:1] != _REFERENCE_MARK}


def find_ignored(definition: Mapping[str, Any]) -> list[str]:
    """Return sentences on what a definition says that does not hold here, for the log of the build."""
    found = []
    variables = definition.get("environmentVariables")
    for name, value in variables.items() if isinstance(variables, dict) else ():
        if not _is_variable(name, value):
            found.append(f'The environment variable "{name[:100]}" of the definition cannot be one, and is left out.')
        elif value[:1] == _REFERENCE_MARK:
            found.append(f'The environment variable "{name}" of the definition names a secret. Set it for the version.')
    return [sentence.replace("\x00", "\ufffd") for sentence in found]


def _is_variable(name: str, value: object) -> bool:
    return bool(NAME.match(name)) and isinstance(value, str) and len(value) <= MAX_VALUE and "\x00" not in value


def _mbytes(value: object) -> int | None:
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    return value if memory.MIN_MEMORY_MBYTES <= value <= memory.MAX_MEMORY_MBYTES else None
