"""Making a link to the content of a storage or to one record: how long it lives, and what it gives access to.

The Export dialog and the dialog that only makes a link share this.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlencode

from django import forms

from sharing.enforcement.request_types import ResourcePageRequest
from sharing.links import links
from sharing.signatures import DEFAULT_LIFETIME, SignedContent

_DAY = 24
_LIFETIMES = {
    1: "1 hour",
    _DAY: "1 day",
    7 * _DAY: "7 days",
    14 * _DAY: "14 days",
    30 * _DAY: "30 days",
    90 * _DAY: "90 days",
    365 * _DAY: "1 year",
}


@dataclass(frozen=True, slots=True)
class NewLink:
    """The URL that a user is given: signed, and when it ends; or the plain one, and why it is not signed."""

    url: str
    expires_at: datetime | None = None
    why_not: links.LinkRefusal | None = None


class LifetimeForm(forms.Form):
    """How long a link lives: what the owner of the storage allows."""

    lifetime = forms.TypedChoiceField(label="Link works for", coerce=int)

    def __init__(self, *args: object, cap: int | None, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]  # handed on as they came
        choices = lifetimes(cap)
        field = self.fields["lifetime"]
        assert isinstance(field, forms.TypedChoiceField)  # noqa: S101  # it stands right above
        field.choices = choices
        field.initial = min(DEFAULT_LIFETIME // timedelta(hours=1), choices[-1][0])
        if cap is not None:
            field.help_text = f"The owner lets no link last longer than {days(cap)}."


def lifetimes(cap: int | None) -> list[tuple[int, str]]:
    """Return what can be chosen, in hours and in words, where links last `cap` days at most (None: without a limit)."""
    longest = max(_LIFETIMES) if cap is None else min(cap * _DAY, max(_LIFETIMES))
    found = {hours: words for hours, words in _LIFETIMES.items() if hours <= longest}
    found.setdefault(longest, days(longest // _DAY))
    return sorted(found.items())


def days(number: int) -> str:
    """Return a number of days in words."""
    return "1 day" if number == 1 else f"{number:,} days"


def create_link(
    request: ResourcePageRequest,
    url: str,
    hours: int,
    *,
    query: dict[str, str] | None = None,
    record_key: str | None = None,
    description: str = "",
) -> NewLink:
    """Make a link to `url`, the content of the storage that the request is for, or its record `record_key`.

    Raises:
        LinkRefused: when there can be no such link; the message says why.
    """
    query = query or {}
    why_not = links.link_refusal(request.access)
    if why_not is not None:
        return NewLink(f"{url}?{urlencode(query)}" if query else url, why_not=why_not)
    link, signature = links.create(
        request.resource,
        SignedContent.CONTENT if record_key is None else SignedContent.RECORD,
        timedelta(hours=hours),
        by=request.principal,
        record_key=record_key or "",
        description=description[:300],
    )
    return NewLink(f"{url}?{urlencode({**query, 'signature': signature})}", link.expires_at)
