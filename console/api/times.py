"""Times as the API writes them."""

from datetime import UTC, datetime


def iso(moment: datetime) -> str:
    """Return an aware moment as ISO 8601 in UTC with milliseconds: `2026-08-01T12:00:00.000Z`."""
    utc = moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    return utc.isoformat(timespec="milliseconds")[:23] + "Z"
