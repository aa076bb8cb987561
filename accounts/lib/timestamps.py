"""Moments: as the databases hand them to raw statements, and as the API writes them."""

from datetime import UTC, datetime, timedelta

_SIGNS = ("+", "-")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def aware(value: datetime | str) -> datetime:
    """Return a moment that a raw statement brought, with its time zone.

    SQLite hands it over as text or naive, in UTC; PostgreSQL hands it over aware.
    """
    if isinstance(value, str):
        # Read together with its zone, it is made once instead of twice; lists come here for every row.
        return datetime.fromisoformat(value if value[-6:-5] in _SIGNS else f"{value}+00:00")
    return value if value.tzinfo is not None else value.replace(tzinfo=UTC)


def iso(moment: datetime) -> str:
    """Return an aware moment as ISO 8601 in UTC with milliseconds: `2026-08-01T12:00:00.000Z`."""
    utc = moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    return utc.isoformat(timespec="milliseconds")[:23] + "Z"


def milliseconds(moment: datetime) -> int:
    """Return an aware moment as whole milliseconds since 1970, cut off."""
    return (moment - _EPOCH) // timedelta(milliseconds=1)  # exact, as floats are not


def from_milliseconds(value: int) -> datetime:
    """Return the moment, in UTC, that is `value` milliseconds after 1970."""
    return _EPOCH + timedelta(milliseconds=value)
