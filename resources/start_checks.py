"""What is checked before a server or worker starts, because several hosts with one database must agree in it.

The first start after an upgrade adopts what it finds. From then on a start that does not fit is refused, for half of
what it did would fail: links and sessions of one host would end on the other, and records would be on the wrong disk.
`manage.py adopt` says that this host is right.
"""

import fcntl
import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, DatabaseError, connection, connections
from django.db.migrations.loader import MigrationLoader
from django.utils import timezone

from accounts.deployment.secret_digests import digest, digests
from accounts.lib import database_clock
from accounts.models import DeploymentFact
from resources.records import files

_log = logging.getLogger(__name__)

SECRET, RECORDS = "secret", "records"
MOST_SECONDS_APART = 5.0
_OURS = frozenset({"accounts", "resources", "sharing", "console"})
# Any number that no other program locks in this database.
_LOCK_NUMBER = 0x6C61746368
_LOCK_FILE = "start.lock"


class StartRefused(Exception):
    """A sentence that says why this host must not start, and what to do."""


def check() -> None:
    """Adopt what no start has said before, and check the rest.

    Raises:
        StartRefused: when this host does not fit to the database.
        DatabaseError: when the database does not answer.
    """
    check_schema()
    check_clock()
    if _has_table():
        check_secret()
        check_records()


def refusal() -> str:
    """Return why this process would not be allowed to start now, "" where it would.

    Raises:
        DatabaseError: when the database does not answer.
    """
    try:
        check()
    except StartRefused as refused:
        return str(refused)
    return ""


def check_schema() -> None:
    """Check that no newer version has migrated the database.

    Raises:
        StartRefused: when one has.
    """
    loader = MigrationLoader(connection, ignore_no_migrations=True)
    unknown = sorted(
        f"{app}.{name}"
        for app, name in loader.applied_migrations
        if app in _OURS and (app, name) not in loader.disk_migrations
    )
    if unknown:
        raise StartRefused(
            f"A newer version has migrated the database ({unknown[-1]}): start that version, or restore a backup from "
            "before it."
        )


def check_clock() -> None:
    """Check that the clock of this host and that of the database agree.

    Raises:
        StartRefused: when they are more than five seconds apart.
    """
    ahead = database_clock.seconds_ahead()
    if abs(ahead) > MOST_SECONDS_APART:
        which = "ahead of" if ahead > 0 else "behind"
        raise StartRefused(
            f"The clock of this host is {abs(ahead):,.0f} seconds {which} the database's: set both by NTP, and start "
            "again."
        )


def check_secret() -> None:
    """Check that the secret that the database's contents are encrypted with is known here.

    Raises:
        StartRefused: when it is not.
    """
    fact = _fact(SECRET, digest(settings.SECRET_KEY))
    if fact.value not in digests().split():
        raise StartRefused(
            f"SECRET_KEY is not the secret of this database, which {fact.machine} has: give this host that SECRET_KEY "
            "(or a copy of DATA_DIR/secret-key), or run `manage.py adopt secret` if the old one is lost."
        )


def check_records() -> None:
    """Check that the records of the database are where this host looks for them.

    Raises:
        StartRefused: when they are files of another host, or in another bucket.
    """
    fact = _fact(RECORDS, files.storage().identity(make=not _is_known(RECORDS)))
    if fact.value != files.storage().identity():
        raise StartRefused(
            f"The records of this database are {_place(fact)}, and this host looks for them in {_own_place()}: let all "
            "hosts share them (the same DATA_DIR/records, or RECORDS_BUCKET), or run `manage.py adopt records` if they "
            "were moved here."
        )


def adopt_secret() -> None:
    """Have the secret of this host be that of the database from now on."""
    _set(SECRET, digest(settings.SECRET_KEY))


def adopt_records() -> None:
    """Have the place where this host keeps records be that of the database from now on."""
    _set(RECORDS, files.storage().identity(make=True))


@contextmanager
def one_at_a_time(on_wait: Callable[[], None]) -> Iterator[None]:
    """Let one start of this deployment prepare the database at a time. Others wait, and `on_wait` is called first.

    Raises:
        DatabaseError: when the database does not answer.
    """
    with _lock_of_postgresql(on_wait) if connection.vendor == "postgresql" else _lock_of_file(on_wait):
        yield


@contextmanager
def _lock_of_postgresql(on_wait: Callable[[], None]) -> Iterator[None]:
    """Hold an advisory lock in a transaction of its own, which a pooler between cannot give to another client.

    It is not taken from the pool, which would not say why a connection cannot be made.
    """
    own = connections.create_connection(DEFAULT_DB_ALIAS)
    options = {name: value for name, value in own.settings_dict["OPTIONS"].items() if name != "pool"}
    own.settings_dict = {**own.settings_dict, "OPTIONS": options}
    try:
        own.set_autocommit(False)
        with own.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_LOCK_NUMBER])
            if not cursor.fetchone()[0]:
                on_wait()
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK_NUMBER])
        yield
    finally:
        with suppress(DatabaseError):  # it went with the connection
            own.rollback()
        own.close()


@contextmanager
def _lock_of_file(on_wait: Callable[[], None]) -> Iterator[None]:
    with (settings.DATA_DIR / _LOCK_FILE).open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            on_wait()
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _has_table() -> bool:
    return DeploymentFact._meta.db_table in connection.introspection.table_names()


def _is_known(name: str) -> bool:
    return DeploymentFact.objects.filter(pk=name).exists()


def _fact(name: str, ours: str) -> DeploymentFact:
    """Return what was said first; of two hosts that start at once, one is that."""
    fact, made = DeploymentFact.objects.get_or_create(name=name, defaults={"value": ours, "machine": _machine()})
    if made:
        _log.info("The database holds each host to the %s of this one from now on.", name)
    return fact


def _set(name: str, value: str) -> None:
    DeploymentFact.objects.update_or_create(
        name=name, defaults={"value": value, "machine": _machine(), "set_at": timezone.now()}
    )


def _place(fact: DeploymentFact) -> str:
    return f"in the {fact.value}" if fact.value.startswith("bucket ") else f"files of {fact.machine}"


def _own_place() -> str:
    storage = files.storage()
    return storage.path("") if storage.is_local else f"the {storage.identity()}"


def _machine() -> str:
    return os.uname().nodename[:100]
