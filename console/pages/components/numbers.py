"""Numbers as people read them."""

from django.contrib.humanize.templatetags.humanize import intcomma


def number(value: int) -> str:
    """Return a whole number with its thousands apart."""
    return str(intcomma(value))
