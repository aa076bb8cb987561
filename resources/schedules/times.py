"""When a schedule fires: cron expressions in a time zone, across the changes of its clock.

An expression has five fields (minute, hour, day of month, month, day of week), or is one of SHORTHANDS. As Debian's
cron has it, a time that the clock jumps over in spring comes right after the jump, and one that it shows twice in
autumn comes once; what comes every so many minutes or hours goes on as if nothing were.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, available_timezones

from cronsim import CronSim, CronSimError

MAX_EXPRESSION = 200
FIELDS = 5
SHORTHANDS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}

# What each field of a cron expression may be, by the names that cronsim gives them.
_RANGES = {
    "minute": "0 to 59",
    "hour": "0 to 23",
    "day-of-month": "1 to 31 or L",
    "month": "1 to 12 or JAN to DEC",
    "day-of-week": "0 to 7 or SUN to SAT",
}


class InvalidTimes(ValueError):
    """A cron expression or a time zone that there is not; `field` names it as the API does, the message says why."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


def zones() -> set[str]:
    """Return the names of the IANA database: `localtime` is the machine's own zone, and so each worker's another."""
    return available_timezones() - {"localtime"}


def check(expression: str, timezone: str) -> None:
    """Look at an expression and a time zone that are about to be saved.

    Raises:
        InvalidTimes: when one is none, or the two never come.
    """
    if not timezone.isascii() or timezone not in zones():
        raise InvalidTimes("timezone", "it must be a time zone of the IANA database, like Europe/Prague or UTC.")
    next_after(expression, timezone, datetime.now(UTC))


def next_after(expression: str, timezone: str, after: datetime) -> datetime:
    """Return the first time after `after`, in UTC.

    Raises:
        InvalidTimes: when the expression is none, or never comes.
    """
    return next(times_after(expression, timezone, after))


def times_after(expression: str, timezone: str, after: datetime) -> Iterator[datetime]:
    """Yield the times after `after`, in UTC, one after the other.

    Raises:
        InvalidTimes: when the expression is none, or never comes.
    """
    fields = SHORTHANDS.get(expression.strip().lower(), expression).split()
    if len(expression) > MAX_EXPRESSION or len(fields) != FIELDS:
        raise InvalidTimes("cronExpression", f"it must have {FIELDS} fields, or be one of {', '.join(SHORTHANDS)}.")
    try:
        found = CronSim(" ".join(fields).upper(), after.astimezone(ZoneInfo(timezone)))
        for moment in found:
            yield moment.astimezone(UTC)
    except CronSimError as error:
        raise InvalidTimes("cronExpression", _problem(str(error))) from None
    raise InvalidTimes("cronExpression", "it never comes.")


def _problem(error: str) -> str:
    """Return which field is wrong and what it may be, given cronsim's message, like "Bad minute"."""
    field = error.removeprefix("Bad ")
    return f"{field} must be {_RANGES[field]}." if field in _RANGES else f"{error}."
