"""Template tags and filters of the console's pages."""

from django import template

register = template.Library()
