"""`manage.py runserver`: Django's server for development, which records where it listens as `serve` does."""

import os

from django.core.management.base import CommandError
from whitenoise.runserver_nostatic.management.commands import runserver

from accounts import published_password
from accounts.deployment import exposure
from resources import start_checks


class Command(runserver.Command):  # type: ignore[misc]  # whitenoise chooses its base at run time
    """Serve by Django's own server."""

    def on_bind(self, server_port: int) -> None:
        """Record the address before the first request, and end what the published password opened."""
        try:
            start_checks.check()
        except start_checks.StartRefused as refused:
            raise CommandError(str(refused)) from None
        exposure.record_while_alive([self.addr], os.getpid())
        published_password.revoke_access()
        super().on_bind(server_port)
