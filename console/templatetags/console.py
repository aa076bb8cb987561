"""Template tags and filters of the console's pages."""

from datetime import UTC, datetime, timedelta
from typing import Any

from django import template
from django.contrib.humanize.templatetags.humanize import naturaltime
from django.http import HttpRequest
from django.template.defaulttags import CsrfTokenNode
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from accounts.email_addresses import for_display
from console.http.shown_account import HEADER, SHOWN_FOR
from console.pages.components.durations import in_words
from console.pages.components.level_sentences import limited_sentence
from console.pages.components.numbers import number
from console.pages.components.status_badges import STATUS_WORDS

register = template.Library()
register.filter("shown_email", for_display)
register.filter("number", number)
register.simple_tag(limited_sentence)


class _FormTokens(CsrfTokenNode):
    """What every form has: the token against forgery, and the account that it was shown for."""

    def render(self, context: Any) -> SafeString:
        """Return the hidden fields."""
        return format_html("{}{}", super().render(context), shown_for_field(context))


@register.tag("csrf_token")
def form_tokens(parser: Any, token: Any) -> _FormTokens:
    """Take the place of Django's tag, so that no form is without the account that it was shown for."""
    return _FormTokens()


def shown_for_field(context: Any) -> SafeString | str:
    """Return the hidden field that names the account acted for; nothing for a person who is not signed in."""
    principal = getattr(context.get("request"), "principal", None)
    if principal is None or principal.account_id is None:
        return ""
    return format_html('<input type="hidden" name="{}" value="{}">', SHOWN_FOR, principal.account_id)


@register.simple_tag(takes_context=True)
def script_headers(context: dict[str, Any]) -> SafeString:
    """The headers of every request that htmx makes, as JSON: the token against forgery, and the account."""
    headers = {"X-CSRFToken": str(context.get("csrf_token", ""))}
    principal = getattr(context.get("request"), "principal", None)
    if principal is not None and principal.account_id is not None:
        headers[HEADER] = principal.account_id
    return format_html("{{{}}}", format_html_join(", ", '"{}": "{}"', headers.items()))


# What lies below another line of the navigation and has a line of its own.
_AREAS_OF_THEIR_OWN = {"/actors": "/actors/runs"}


@register.inclusion_tag("components/_nav_link.html", takes_context=True)
def nav_link(context: dict[str, Any], view_name: str, icon: str, label: str) -> dict[str, Any]:
    """A line of the navigation, marked as current on its page and on the pages below it."""
    url = reverse(view_name)
    request: HttpRequest | None = context.get("request")
    path = request.path if request else ""
    current = ""
    if path == url:
        current = "page"
    elif url != "/" and path.startswith(f"{url}/") and not _is_below(path, _AREAS_OF_THEIR_OWN.get(url)):
        current = "true"
    return {"url": url, "icon": icon, "label": label, "current": current}


def _is_below(path: str, area: str | None) -> bool:
    return area is not None and f"{path}/".startswith(f"{area}/")


@register.inclusion_tag("components/_job_status.html")
def job_status(status: str) -> dict[str, Any]:
    """The status of a build or run as a badge."""
    return {"words": STATUS_WORDS[status]}


@register.simple_tag
def when(moment: datetime | None, otherwise: str = "never") -> str | SafeString:
    """A time as people say it, with the exact time on hover."""
    if moment is None:
        return otherwise
    in_utc = moment.astimezone(UTC)
    return format_html(
        '<time datetime="{}" title="{} UTC">{}</time>',
        in_utc.isoformat(timespec="milliseconds"),
        in_utc.strftime("%Y-%m-%d %H:%M:%S"),
        _as_people_say(moment),
    )


def _as_people_say(moment: datetime) -> str:
    age = timezone.now() - moment
    if -30 <= age.days < 30:
        # Only the largest unit: "2 weeks ago", not "2 weeks, 3 days ago".
        text = str(naturaltime(moment)).replace("\N{NO-BREAK SPACE}", " ")
        first, _, rest = text.partition(", ")
        return f"{first} ago" if rest.endswith(" ago") else f"{first} from now" if rest else first
    return date_format(moment, "j M Y")


@register.filter
def duration(taken: timedelta) -> str:
    """A length of time, such as "3 min 4 s"."""
    return in_words(taken)
