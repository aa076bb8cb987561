"""The app of the console: how it is reached."""

from django.apps import AppConfig


class ConsoleConfig(AppConfig):
    """Settings, URLs, the pages and the HTTP API."""

    name = "console"

    def ready(self) -> None:
        """Leave with the floors below what only this one knows."""
        import console.deploy_checks  # noqa: F401  # registers the checks of `manage.py check --deploy`
        from console.api.webhooks import payloads as webhook_payloads

        webhook_payloads.register()
