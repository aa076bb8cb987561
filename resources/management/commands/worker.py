"""`manage.py worker`: build, run and send what is queued."""

import logging
import os
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error

from accounts.deployment import exposure
from accounts.deployment.exposure import exposure_reasons
from accounts.lib.database_errors import describe
from resources import start_checks
from resources.sandbox.bubblewrap import IsolationMissing, isolation
from resources.worker import worker

_log = logging.getLogger(__name__)


class Command(BaseCommand):
    """Be one of the workers, which share what there is to do through the database."""

    help = "Build and run Actors, start schedules and send webhooks, until SIGTERM or Ctrl-C. Any number may run."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add how much is done at once."""
        parser.add_argument(
            "--jobs", type=int, default=settings.WORKER_JOBS, help="how many runs and builds at once (WORKER_JOBS)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Work until asked to end."""
        if options["jobs"] < 1:
            raise CommandError("A worker has at least one job at once.")
        _check_start()
        ended = exposure.record_while_alive([exposure.WORKER], os.getpid())
        try:
            prepared = worker.prepare(options["jobs"])
            self.stdout.write(f"The worker is ready. {_how_runs_are_kept_apart()}".rstrip())
            self.stdout.flush()
            prepared.run()
        finally:
            ended.set()


def _check_start() -> None:
    """Refuse to start where this host does not fit to the database; one that does not answer is waited for later.

    Raises:
        CommandError: with the sentence that says what to do.
    """
    try:
        start_checks.check()
    except start_checks.StartRefused as refused:
        raise CommandError(str(refused)) from None
    except Error as error:
        _log.warning("%s", describe(error))


def _how_runs_are_kept_apart() -> str:
    try:
        how = isolation()
    except Error:
        return "How runs are kept apart is asked when the database answers."
    except IsolationMissing as error:
        return " ".join([str(error), *exposure_reasons()])
    if how.why_not:
        what = "share the network of this server" if how.on else "are NOT ISOLATED from this server"
        return f"Runs {what}. {how.why_not} They run because only this machine reaches the server."
    if not how.on:
        return "Runs are not isolated from this server, as RUN_ISOLATION=none says."
    if how.shares_network:
        return "Runs are isolated by bubblewrap, and share the network of this server, as RUN_NETWORK=shared says."
    network = f"by {how.user_mode[0]}" if how.user_mode else "that reaches this server's API only"
    return f"Runs are isolated by bubblewrap, with a network of their own {network}."
