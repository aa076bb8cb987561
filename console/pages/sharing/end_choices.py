"""Until when access is given: the choices of a form, and what was chosen."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from django.http import QueryDict

from accounts.request_context import now
from sharing.grants import End, NewEnd, UnsupportedEnd
from sharing.visibility.labels import end_label

KEEP, NEVER, ON_DATE = "", "never", "date"
DAYS = (1, 7, 30, 90)


@dataclass(frozen=True, slots=True)
class EndOption:
    """A choice of an end."""

    value: str
    label: str
    selected: bool


def end_options(expires_at: datetime | None = None, chosen: str = KEEP) -> list[EndOption]:
    """Return the choices; the first is the end that there is, and none where there is none."""
    first = (KEEP, f"Keep: {end_label(expires_at)}") if expires_at else (NEVER, "Without an end")
    further = [(NEVER, "Without an end")] if expires_at else []
    days = [(str(each), f"For {each} day{'' if each == 1 else 's'}") for each in DAYS]
    all_ = [first, *further, *days, (ON_DATE, "Until a date")]
    wanted = chosen if chosen in {value for value, _ in all_} else first[0]
    return [EndOption(value, label, value == wanted) for value, label in all_]


def chosen_end(data: QueryDict) -> NewEnd:
    """Return the end that was chosen in a form; a date is the last day of the access, in UTC.

    Raises:
        UnsupportedEnd: for none of the choices, or no date.
    """
    chosen = data.get("end", KEEP)
    if chosen in (KEEP, NEVER):
        return End.UNCHANGED if chosen == KEEP else None
    if chosen in map(str, DAYS):
        return now() + timedelta(days=int(chosen))
    try:
        if chosen == ON_DATE:
            day = date.fromisoformat(data.get("end_date", "")) + timedelta(days=1)
            return datetime.combine(day, time(), UTC)
    except (ValueError, OverflowError):
        raise UnsupportedEnd("Enter the last day of the access, as 2027-01-31.") from None
    raise UnsupportedEnd("Choose until when.")
