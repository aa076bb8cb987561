"""Moments: as the databases hand them to raw statements, and as the API writes them."""

from datetime import UTC, datetime


def aware(value: datetime | str) -> datetime:
    """Return a moment that a raw statement brought, with its time zone.

    SQLite hands it over as text or naive, in UTC; PostgreSQL hands it over aware.
    """
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def iso(moment: datetime) -> str:
    """Return an aware moment as ISO 8601 in UTC with milliseconds: `2026-08-01T12:00:00.000Z`."""
    utc = moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    return utc.isoformat(timespec="milliseconds")[:23] + "Z"
