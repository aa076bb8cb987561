"""What a deployment needs besides a process that answers, for /readyz.

Anyone may ask, so what is looked at is remembered for a moment, and the sentences are always the same ones: what is
particular to a host is in its log.
"""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.loader import MigrationLoader

from accounts.deployment.exposure import has_worker
from accounts.lib import disk_space
from accounts.lib.database_errors import is_unavailable
from resources import start_checks
from resources.records import files

_log = logging.getLogger(__name__)

REMEMBERED_SECONDS = 1.0
# So many times what is kept back is too little to be called ready, so that it is said before anything is refused.
_ENOUGH = 2
_UNKNOWN = "Not known while the database does not answer."


@dataclass(frozen=True, slots=True)
class Check:
    """What was found: `why` is a sentence, "" where all is well."""

    why: str = ""

    @property
    def ok(self) -> bool:
        """Whether all is well."""
        return not self.why


class _Memory:
    """What was found last, by this process. Of several that ask, one looks; others get what was found before."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.found: dict[str, Check] = {}
        self.until = 0.0


_memory = _Memory()


def look() -> dict[str, Check]:
    """Return what is found, by name: database, migrations, host, worker, records, space."""
    if not _memory.lock.acquire(blocking=not _memory.found):
        return _memory.found
    try:
        if time.monotonic() >= _memory.until:
            _memory.found = _look()
            _memory.until = time.monotonic() + REMEMBERED_SECONDS
        return _memory.found
    finally:
        _memory.lock.release()


def forget() -> None:
    """Have everything looked at anew."""
    _memory.until = 0.0


def _look() -> dict[str, Check]:
    found = {"records": Check(), "space": Check()}
    records = threading.Thread(target=lambda: found.update(records=_checked("records", _look_at_records)), daemon=True)
    records.start()  # meanwhile, for each may take seconds
    found["database"] = _checked("database", _look_at_database)
    for name, check in (("migrations", _look_at_migrations), ("host", _look_at_host), ("worker", _look_at_worker)):
        found[name] = _checked(name, check) if found["database"].ok else Check(_UNKNOWN)
    found["space"] = _checked("space", _look_at_space)
    records.join()
    return {name: found[name] for name in ("database", "migrations", "host", "worker", "records", "space")}


def _checked(name: str, check: Callable[[], str]) -> Check:
    try:
        why = check()
    except DatabaseError as error:
        _log.warning("Not ready: %s: %s", name, " ".join(str(error).split()))
        is_away = is_unavailable(error)
        why = "The database does not answer." if is_away else "The database refuses; the log of the server says why."
    except Exception:
        _log.warning("Not ready: %s", name, exc_info=True)
        why = "It cannot be looked at; the log of the server says why."
    return Check(why)


def _look_at_database() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return ""


def _look_at_migrations() -> str:
    loader = MigrationLoader(connection, ignore_no_migrations=True)
    missing = loader.disk_migrations.keys() - loader.applied_migrations.keys()
    return f"Migrations are not applied ({len(missing)}): run manage.py migrate." if missing else ""


def _look_at_host() -> str:
    refusal = start_checks.refusal()
    if not refusal:
        return ""
    _log.warning("Not ready: %s", refusal)
    return "This host does not fit to the database (its secret, records, version or clock); its log says more."


def _look_at_worker() -> str:
    return "" if has_worker() else "No worker is alive: emails, runs, builds, schedules and webhooks wait for one."


def _look_at_records() -> str:
    try:
        files.storage().check()
    except files.StorageAway:
        return "The bucket does not answer."
    except OSError:
        return "The directory of records cannot be written."
    return ""


def _look_at_space() -> str:
    directory = Path(settings.DATA_DIR)
    if not disk_space.is_short(directory, times=_ENOUGH):
        return ""
    free, reserve = disk_space.free_bytes(directory), disk_space.kept_back(directory)
    if free > reserve:
        return f"The disk is nearly full: nothing new is saved when {_megabytes(reserve)} MB are left."
    return (
        f"The disk is full: nothing new is saved, for the last {_megabytes(reserve)} MB are for reading and deleting."
    )


def _megabytes(size: int) -> str:
    return f"{size / 1024 / 1024:,.0f}"
