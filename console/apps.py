"""The app of the console: how it is reached."""

from django.apps import AppConfig


class ConsoleConfig(AppConfig):
    """Settings, URLs, the pages and the HTTP API."""

    name = "console"
