"""From JSON text to Python objects, without ever failing on a number.

JSON knows numbers of any size and precision, Python's own reading of them ends in `inf`, or in an error beyond some
thousand digits. A number that a float or a 64-bit integer does not hold exactly as written stays its text.
"""

import json
import math

MAX_DIGITS = 18


class BigNumber(str):
    """The text of a number that Python's own numbers would write otherwise, or could not hold."""

    __slots__ = ()


def read_object(text: bytes) -> dict[str, object]:
    """Return the object that one line of JSON holds."""
    found: dict[str, object] = json.loads(text, parse_int=_read_integer, parse_float=_read_float)
    return found


def nearest_number(text: str) -> int | float | None:
    """Return a number, as near as a float comes to it where it is long; None when it is beyond all floats."""
    if text.lstrip("-").isdecimal() and len(text) <= MAX_DIGITS:
        return int(text)
    value = float(text)
    return value if math.isfinite(value) else None


def _read_integer(text: str) -> int | BigNumber:
    return int(text) if len(text) <= MAX_DIGITS and text != "-0" else BigNumber(text)


def _read_float(text: str) -> float | BigNumber:
    value = float(text)
    return value if repr(value) == text else BigNumber(text)
