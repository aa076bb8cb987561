"""From JSON text to Python objects, without ever failing on a number.

JSON knows numbers of any size and precision, Python's own reading of them ends in `inf`, or in an error beyond some
thousand digits. A number that a float or a 64-bit integer does not hold exactly as written stays its text.
"""

import json
import math

MAX_DIGITS = 18


class BigNumber(str):
    """The text of a number that is too large for Python's own numbers."""

    __slots__ = ()


def read_object(text: bytes) -> dict[str, object]:
    """Return the object that one line of JSON holds."""
    found: dict[str, object] = json.loads(text, parse_int=read_integer, parse_float=read_float)
    return found


def read_integer(text: str) -> int | BigNumber:
    """Return an integer, or its text when it is longer than any 64-bit integer."""
    return int(text) if len(text) <= MAX_DIGITS else BigNumber(text)


def read_float(text: str) -> float | BigNumber:
    """Return a float, or its text when it is beyond what a float can hold."""
    value = float(text)
    return value if math.isfinite(value) else BigNumber(text)
