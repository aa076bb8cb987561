"""Moments as the databases hand them to raw statements."""

from datetime import UTC, datetime


def aware(value: datetime | str) -> datetime:
    """Return a moment that a raw statement brought, with its time zone.

    SQLite hands it over as text or naive, in UTC; PostgreSQL hands it over aware.
    """
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
