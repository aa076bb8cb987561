"""`manage.py worker`: build, run and send what is queued."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from resources.work import worker
from resources.work.isolation import IsolationMissing, isolation


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
        try:
            how = isolation()
            said = "isolated by bubblewrap" if how.on else f"NOT ISOLATED from this server. {how.why_not}"
        except IsolationMissing as error:
            said = f"refused. {error}"
        self.stdout.write(f"The worker is ready. Runs are {said}".rstrip())
        self.stdout.flush()
        worker.run(options["jobs"])
