"""Template tags and filters of the console's pages."""

from typing import Any

from django import template
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse

register = template.Library()


@register.inclusion_tag("_nav_link.html", takes_context=True)
def nav_link(context: dict[str, Any], view_name: str, icon: str, label: str) -> dict[str, Any]:
    """A line of the navigation, marked as current on its page and on the pages below it."""
    try:
        url = reverse(view_name)
    except NoReverseMatch:
        return {}
    request: HttpRequest | None = context.get("request")
    path = request.path if request else ""
    current = ""
    if path == url:
        current = "page"
    elif url != "/" and path.startswith(f"{url}/"):
        current = "true"
    return {"url": url, "icon": icon, "label": label, "current": current}
