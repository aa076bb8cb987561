"""The numbers of builds, such as 0.1.12."""

_MAJOR, _MINOR = 10_000_000, 100_000


def number_as_int(number: str) -> int:
    """Return the number of a build as one whole number, in whose order builds are."""
    parts = [int(part) for part in number.split(".")] if number else [0, 0, 0]
    return parts[0] * _MAJOR + parts[1] * _MINOR + parts[2]
