"""Make UTF-8 of what programs print: logs are sent as UTF-8."""

# Bytes that continue a character look like 10xxxxxx, and no character has more than three of them.
_CONTINUES, _MASK, _MOST = 0b1000_0000, 0b1100_0000, 3


def as_utf8(data: bytes) -> bytes:
    """Return `data` with U+FFFD in the place of all that is no UTF-8. It neither begins nor ends within a character."""
    return data if data.isascii() else data.decode(errors="replace").encode()


def start_of_character(data: bytes, at: int) -> int:
    """Return where the character begins that byte `at` belongs to; `at` itself where it belongs to none."""
    for start in range(at, max(at - _MOST, 0) - 1, -1):
        if data[start] & _MASK != _CONTINUES:
            return start
    return at
