"""What the expression for the memory of a run can be made of: values, and what is done with them, as math.js does it.

A value is a number, text, true or false, null, UNDEFINED, a list or an object. All else is refused.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any, Final

# As close to each other numbers count as equal (math.js: relTol, absTol).
_RELATIVE, _ABSOLUTE = 1e-12, 1e-15
# How many digits `round` can be asked for.
_MOST_DIGITS: Final = 15


class CannotCompute(ValueError):
    """An expression that has no value; the message says why."""


class Undefined:
    """The value of what is not there."""


UNDEFINED: Final = Undefined()


def number(value: Any) -> float:
    """Return a value as a number: texts as what they say, true as 1 and false as 0.

    Raises:
        CannotCompute: when it is none.
    """
    if isinstance(value, bool | int | float):
        return float(value)
    if isinstance(value, str) and "_" not in value:  # which Python would let pass
        try:
            return float(value or 0)
        except ValueError:
            pass
    raise CannotCompute(f"{_shown(value)} is no number")


def is_true(value: Any) -> bool:
    """Tell whether the condition of a `?` holds.

    Raises:
        CannotCompute: when the value is none that can be a condition.
    """
    if is_nothing(value):
        return False
    if isinstance(value, bool | int | float | str):
        return bool(value)
    raise CannotCompute(f"{_shown(value)} is no condition")


def is_nothing(value: Any) -> bool:
    """Tell whether a value is null or undefined."""
    return value is None or value is UNDEFINED


def negate(value: Any) -> bool:
    """Return `not value`."""
    return is_nothing(value) or number(value) == 0


def equal(left: Any, right: Any) -> bool:
    """Tell whether two values are equal; texts only as the numbers that they say, others by compareText."""
    if is_nothing(left) or is_nothing(right):
        return left is right
    return math.isclose(number(left), number(right), rel_tol=_RELATIVE, abs_tol=_ABSOLUTE)


def smaller(left: Any, right: Any) -> bool:
    """Tell whether a number is smaller than another one, and not only by what a calculation leaves."""
    return number(left) < number(right) and not equal(left, right)


def get_property(value: Any, name: str) -> Any:
    """Return `value.name`.

    Raises:
        CannotCompute: when the value has no properties.
    """
    if not isinstance(value, dict | list):
        raise CannotCompute(f'{_shown(value)} has no "{name}"')
    return _own(value, name)


def get(value: Any, path: Any, default: Any = UNDEFINED) -> Any:
    """Return what a path such as `urls.0.name` or `urls.length` leads to, the default where that is nothing."""
    if not isinstance(path, str):
        raise CannotCompute("the path of get is no text")
    for name in path.split("."):
        value = _own(value, name)
    return default if is_nothing(value) else value


def _own(value: Any, name: str) -> Any:
    if isinstance(value, dict):
        return value.get(name, UNDEFINED)
    if isinstance(value, list | str):
        if name == "length":
            return len(value)
        if name.isascii() and name.isdecimal() and len(name) < _MOST_DIGITS and int(name) < len(value):
            return value[int(name)]
    return UNDEFINED


def _shown(value: Any) -> str:
    if is_nothing(value):
        return "null" if value is None else "what is not there"
    if isinstance(value, str):
        return f'"{value[:50]}"'
    return "an object" if isinstance(value, dict) else "a list" if isinstance(value, list) else "a number"


def _numbers(values: tuple[Any, ...]) -> list[float]:
    """Return the arguments of `min` and `max`, or those in the only one, which is a list."""
    found = values[0] if len(values) == 1 and isinstance(values[0], list) else values
    return [number(each) for each in found]


def _compare_text(left: Any, right: Any) -> int:
    if not (isinstance(left, str) and isinstance(right, str)):
        raise CannotCompute("compareText compares texts only")
    return (left > right) - (left < right)


def _round(value: Any, digits: Any = 0) -> float:
    scale = 10.0 ** min(max(int(number(digits)), 0), _MOST_DIGITS)
    return math.floor(number(value) * scale + 0.5) / scale


def _log(value: Any, base: Any = math.e) -> float:
    return math.log(number(value)) / math.log(number(base))


def both(left: Any, right: Any) -> bool:
    """Return `left and right`; both are looked at."""
    return bool(number(left)) & bool(number(right))


def either(left: Any, right: Any) -> bool:
    """Return `left or right`; both are looked at."""
    return bool(number(left)) | bool(number(right))


def one(left: Any, right: Any) -> bool:
    """Return `left xor right`."""
    return bool(number(left)) ^ bool(number(right))


def first_there(left: Any, right: Any) -> Any:
    """Return `left ?? right`."""
    return right if is_nothing(left) else left


def add(*values: Any) -> float:
    """Return a sum."""
    return sum(number(each) for each in values)


def subtract(left: Any, right: Any) -> float:
    """Return a difference."""
    return number(left) - number(right)


def multiply(*values: Any) -> float:
    """Return a product."""
    return math.prod(number(each) for each in values)


def divide(left: Any, right: Any) -> float:
    """Return a quotient."""
    return number(left) / number(right)


def power(left: Any, right: Any) -> float:
    """Return a power."""
    return math.pow(number(left), number(right))


# Each with the fewest and the most arguments that it takes.
FUNCTIONS: Final[Mapping[str, tuple[Callable[..., Any], int, int]]] = {
    "get": (get, 2, 3),
    "min": (lambda *values: min(_numbers(values)), 1, 100),
    "max": (lambda *values: max(_numbers(values)), 1, 100),
    "ceil": (lambda value: math.ceil(number(value)), 1, 1),
    "floor": (lambda value: math.floor(number(value)), 1, 1),
    "round": (_round, 1, 2),
    "log": (_log, 1, 2),
    "log10": (lambda value: math.log10(number(value)), 1, 1),
    "exp": (lambda value: math.exp(number(value)), 1, 1),
    "add": (add, 2, 100),
    "subtract": (subtract, 2, 2),
    "multiply": (multiply, 2, 100),
    "divide": (divide, 2, 2),
    "and": (both, 2, 2),
    "or": (either, 2, 2),
    "xor": (one, 2, 2),
    "not": (negate, 1, 1),
    "nullish": (first_there, 2, 2),
    "equal": (equal, 2, 2),
    "unequal": (lambda left, right: not equal(left, right), 2, 2),
    "compareText": (_compare_text, 2, 2),
}
