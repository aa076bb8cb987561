"""`manage.py runserver`: Django's server for development, which records where it listens as `serve` does."""

import os

from whitenoise.runserver_nostatic.management.commands import runserver

from accounts import published_password
from accounts.deployment import exposure


class Command(runserver.Command):  # type: ignore[misc]  # whitenoise chooses its base at run time
    """Serve by Django's own server."""

    def on_bind(self, server_port: int) -> None:
        """Record the address before the first request, and end what the published password opened."""
        exposure.record_while_alive([self.addr], os.getpid())
        published_password.revoke_access()
        super().on_bind(server_port)
