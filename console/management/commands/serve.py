"""`manage.py serve`: bring the database and the static files up to date, and serve, with a worker beside the server."""

import os
import re
import socket
import sys
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, connection, connections
from django.urls import reverse

from accounts import published_password
from accounts.deployment import exposure, sign_up_policy, upgrade_notices
from accounts.deployment.sign_up_policy import SignUp
from accounts.lib.database_errors import describe
from accounts.models import AuditEvent
from console import deploy_checks
from console.demo import loading
from console.demo.loading import SignIn
from console.management.commands.load_demo import format_people
from console.server.supervisor import Supervisor
from resources import start_checks
from resources.start_checks import StartRefused

HIGHEST_PORT = 65535
NO_WORKER = (
    "No worker is alive: emails, runs, builds, schedules and webhooks wait until one starts (manage.py worker, here or "
    "on another machine)."
)


class Command(BaseCommand):
    """Serve Latchkey by gunicorn, and run Actors by a worker."""

    help = (
        "Migrate, collect static files, load the demo at the first start (unless DEMO=0), and serve by gunicorn; "
        "with a worker beside it (unless WORKER=0)."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the way to stop short of serving."""
        parser.add_argument("--prepare-only", action="store_true", help="do everything but serve")

    def handle(self, *args: Any, **options: Any) -> None:
        """Prepare, say where to sign in, and become gunicorn, or look after it and a worker."""
        host, port = _address()
        if not options["prepare_only"]:
            _check_free(host, port)
        try:
            self._prepare(host, listens=not options["prepare_only"])
        except StartRefused as refused:
            raise CommandError(str(refused)) from None
        except DatabaseError as error:
            raise CommandError(describe(error)) from error
        if options["prepare_only"]:
            return
        connections.close_all()
        sys.stdout.flush()
        os.environ["HOST"], os.environ["PORT"] = host, str(port)
        server = [sys.executable, "-m", "gunicorn", "--config", "python:console.server.gunicorn_config"]
        if not _flag("WORKER"):
            os.execv(sys.executable, server)  # noqa: S606  # no shell; the same Python, as gunicorn from here on
        sys.exit(Supervisor(server, [sys.executable, "manage.py", "worker"], (host, port)).run())

    def _prepare(self, host: str, *, listens: bool) -> None:
        """Bring the database up to date and say where to sign in, one host at a time.

        Raises:
            StartRefused: when this host does not fit to the database.
            DatabaseError: when the database does not answer, or a migration fails.
        """
        with start_checks.one_at_a_time(self._say_waiting):
            start_checks.check()
            call_command("migrate", interactive=False, verbosity=0)
            start_checks.check()
            if listens:  # before anything asks whether this is on loopback only
                exposure.record_listening([host.strip("[]")], os.getpid())
            call_command("collectstatic", interactive=False, verbosity=0)
            published_password.revoke_access()
            _note_invitations()
            self._say_where(_load_demo(host) if _flag("DEMO") else loading.people_present())

    def _say_waiting(self) -> None:
        self.stdout.write("Another start prepares the database; this one waits for it.")
        self.stdout.flush()

    def _say_where(self, people: list[SignIn]) -> None:
        self.stdout.write(f"\nLatchkey serves {settings.PUBLIC_URL}\nIts data: {_where_data_is()}\n")
        if people:
            self.stdout.write(f"\nSign in at {settings.PUBLIC_URL}{reverse('account_login')} as a user of the demo:\n")
            self.stdout.write(format_people(people))
        self._say_what_others_could_do()
        for notice in upgrade_notices.unseen(upgrade_notices.ADMINISTRATOR):
            self.stdout.write(f"\n{upgrade_notices.title(notice)}\n{upgrade_notices.text(notice)}\n")
        upgrade_notices.close(upgrade_notices.ADMINISTRATOR)
        if not _flag("WORKER") and not exposure.has_worker():
            self.stdout.write(f"\n{NO_WORKER}\n")
        self.stdout.write("\nCtrl-C stops it; all data stays.\n")

    def _say_what_others_could_do(self) -> None:
        ways = exposure.exposure_reasons()
        if not ways:
            return
        self.stdout.write(f"\nOthers can reach this server: {' '.join(ways)}\n")
        closed = [account.username for account in published_password.accounts_with_published_password()]
        if closed:
            self.stdout.write(
                "So the demo's published password does not sign in, and what it opened has ended: "
                f"{', '.join(closed)}.\n"
                f"Set another one by the link that this prints: {sys.executable} manage.py reset_link {closed[0]}\n"
            )
        for message in deploy_checks.messages():
            self.stdout.write(f"- {message.msg}\n  {message.hint}\n")


def _note_invitations() -> None:
    """Have it said once that sign-up is by invitation now, where users have signed up without one before."""
    made = AuditEvent.objects.filter(action="account.created").exclude(actor_id="").values_list("details", flat=True)
    by_default = not settings.SIGN_UP and sign_up_policy.policy() is SignUp.INVITED
    if by_default and any(not details.get("invited") for details in made.iterator()):
        upgrade_notices.record("sign-up-by-invitation")


def _load_demo(host: str) -> list[SignIn]:
    """Load the demo at the first start; with its published password only where just this machine can come."""
    reached_by_others = exposure.exposure_reasons() or not exposure.is_loopback_host(host.strip("[]"))
    return loading.load_at_first_start(local=not reached_by_others)


def _flag(name: str) -> bool:
    return os.environ.get(name, "1").strip().lower() not in ("0", "false", "no", "off")


def _address() -> tuple[str, int]:
    """Return where to listen: on this machine only, unless the public URL says that others come too."""
    is_local = exposure.is_loopback_host(urlsplit(settings.PUBLIC_URL).hostname or "")
    host = os.environ.get("HOST") or ("127.0.0.1" if is_local else "0.0.0.0")  # noqa: S104
    text = os.environ.get("PORT") or "8000"
    port = int(text) if re.fullmatch(r"[0-9]{1,5}", text) else 0
    if not 0 < port <= HIGHEST_PORT:
        raise CommandError(f"PORT must be a number from 1 to {HIGHEST_PORT}, not {text[:20]!r}.")
    return host, port


def _check_free(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host.strip("[]"), port))
        except OSError as error:
            raise CommandError(
                f"Port {port} cannot be used ({error.strerror}). Choose another one: PORT={port + 1} make run"
            ) from error


def _where_data_is() -> str:
    database = connection.settings_dict
    if connection.vendor == "sqlite":
        return str(settings.DATA_DIR)
    return f"PostgreSQL, database {database['NAME']} at {database['HOST'] or 'the local socket'}"
