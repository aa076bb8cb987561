"""The test bed of upgrades: the data of an older version, taken through a backup into this one.

A fixture of `tests/upgrades` is what a deployment of some time held, as text (`tests/support/upgrade_rows.py` says
how). The fixture `november` is of the version before secrets were encrypted at rest: accounts with tokens, sessions and
second factors (a passkey too), an Actor with secret variables and a source URL with a password, builds, runs that
ended, wait or were abandoned, tasks, schedules, webhooks with header templates, storages with content, grants, issues,
signed links, the audit trail and the queue.

A test of a migration looks like this, and runs on the database that the tests run on:

    def test_header_templates_are_encrypted(tmp_path):
        with upgraded(tmp_path) as place:
            assert "Bearer of-a-webhook" not in place.text()
            (row,) = place.rows("resources_webhook", idempotency_key="upgrade")
            assert place.python("from resources.models import Webhook; print(Webhook.objects.count())") == "2"

`upgraded` loads the old world, makes a backup of it, restores that elsewhere, migrates, and holds `check_data` and
`lost` to it. A migration that changes values on purpose adds the columns to `CHANGED`; one that deletes rows on purpose
adds the table to `EMPTIED`. `old_world` gives the old world by itself, for what happens before the migration.
"""

import json
import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

ROOT = Path(__file__).parents[2]
FIXTURES = ROOT / "tests" / "upgrades"
SECRET = "only-for-tests-of-upgrades-0123456789-0123456789-0123"

# Columns whose values a migration of this version changes on purpose, by table.
CHANGED: dict[str, set[str]] = {
    "accounts_apitoken": {"scope"},  # WRITE on a kind let resources of it be created, which takes CREATE now
    "sharing_grant": {"resource_created_at"},  # in the demo some differed from their resource
    "django_tasks_database_dbtaskresult": {"task_path"},
    # What is encrypted at rest now, and the digests of the keys of sessions.
    "django_session": {"session_key"},
    "mfa_authenticator": {"data"},
    "resources_actorversion": {"source_url"},
    "resources_buildcontent": {"source"},
    "resources_webhook": {"headers_template"},
    "usersessions_usersession": {"session_key"},
}
# Tables that a migration of this version empties on purpose, in part or as a whole.
EMPTIED: set[str] = set()

Row = dict[str, Any]


@dataclass
class Place:
    """A data directory with its database, and what the tests know of it (`known.json`)."""

    environment: dict[str, str]
    known: dict[str, Any]

    @property
    def data(self) -> Path:
        """The data directory."""
        return Path(self.environment["DATA_DIR"])

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run Python with these arguments in this place, and return what came of it."""
        command = [sys.executable, *arguments]
        return subprocess.run(
            command, cwd=ROOT, env=self.environment, capture_output=True, text=True, timeout=120, check=False
        )

    def manage(self, *arguments: str, fails: bool = False) -> str:
        """Run a command of manage.py and return what it says, its errors too."""
        done = self.run("manage.py", *arguments)
        assert bool(done.returncode) == fails, done.stdout + done.stderr
        return done.stdout + done.stderr

    def python(self, code: str) -> str:
        """Run code with Django set up in this place, and return what it prints, without the last line feed."""
        done = self.run("-c", f"import django; django.setup()\n{code}")
        assert done.returncode == 0, done.stderr
        return done.stdout.removesuffix("\n")

    def tables(self) -> dict[str, list[Row]]:
        """Return every row of every table, with bytes as hex digits and moments as text."""
        return dict(json.loads(self.python(_TABLES)))

    def rows(self, table: str, **where: Any) -> list[Row]:
        """Return the rows of a table in which each column of `where` has that value."""
        return [row for row in self.tables()[table] if where.items() <= row.items()]

    def text(self) -> str:
        """Return all that the database holds as text: a secret that is encrypted at rest is not in it."""
        return json.dumps(self.tables(), ensure_ascii=False)


_TABLES = """
import json
from django.db import connection
def plain(value):
    return bytes(value).hex() if isinstance(value, (bytes, memoryview)) else value
found = {}
with connection.cursor() as cursor:
    for table in connection.introspection.table_names(cursor):
        cursor.execute(f'SELECT * FROM "{table}" ORDER BY 1')
        names = [each[0] for each in cursor.description]
        found[table] = [dict(zip(names, map(plain, row))) for row in cursor.fetchall()]
print(json.dumps(found, default=str))
"""


@contextmanager
def empty_place(data: Path, **environment: str) -> Iterator[Place]:
    """Give a place with nothing in it, on a database of the sort that the tests run on."""
    given = {name: value for name, value in os.environ.items() if name not in ("SECRET_KEY", "SECRET_KEY_FALLBACKS")}
    given |= {"DATA_DIR": str(data), "DJANGO_SETTINGS_MODULE": "console.settings", "LOG_LEVEL": "ERROR", **environment}
    with _database(given.get("DATABASE_URL", "")) as url:
        yield Place({**given, "DATABASE_URL": url}, {})


@contextmanager
def old_world(data: Path, fixture: str = "november") -> Iterator[Place]:
    """Give a place with the data of an older version, not yet migrated."""
    with empty_place(data) as place:
        data.mkdir(mode=0o700)
        (data / "secret-key").write_text(SECRET)
        done = place.run("-m", "tests.support.upgrade_rows", "--load", str(FIXTURES / fixture))
        assert done.returncode == 0, done.stderr
        place.known = json.loads((FIXTURES / fixture / "known.json").read_text())
        yield place


@contextmanager
def upgraded(directory: Path, fixture: str = "november") -> Iterator[Place]:
    """Give the data of an older version after a backup, a restore elsewhere and all migrations; nothing is lost."""
    backup = directory / "backup"
    with old_world(directory / "old", fixture) as old:
        old.manage("backup", str(backup))
        before = old.tables()
        known = old.known
    shutil.rmtree(directory / "old")
    with empty_place(directory / "new") as new:
        new.known = known
        new.manage("restore", str(backup))
        new.manage("migrate", "--verbosity=0")
        new.manage("check_data")
        assert lost(before, new.tables()) == []
        yield new


def lost(before: dict[str, list[Row]], after: dict[str, list[Row]]) -> list[str]:
    """Return what was there before and is not there, or not the same, after: a line for each row or column."""
    found = []
    for table, rows in before.items():
        if table in ("django_migrations", "django_content_type", "resources_runtally") or table in EMPTIED:
            continue
        if table not in after:
            found.append(f"{table} is gone")
            continue
        # The first column of every table of ours is its primary key, but for sessions, whose key is changed by name.
        key = next(iter(rows[0])) if rows else ""
        kept = {row.get(key): row for row in after[table]}
        if key in CHANGED.get(table, ()):
            found += [f"{table}: {len(rows)} rows before, {len(kept)} after"] if len(rows) != len(kept) else []
            continue
        for row in rows:
            found += _lost(table, row, kept.get(row[key]), f"{table} {row[key]}")
    return found


def _lost(table: str, before: Row, after: Row | None, named: str) -> list[str]:
    if after is None:
        return [f"{named} is gone"]
    wanted = {name: value for name, value in before.items() if name not in CHANGED.get(table, ())}
    return [f"{named}: {name} was {value!r}" for name, value in wanted.items() if after.get(name, value) != value] + [
        f"{named}: the column {name} is gone" for name in wanted.keys() - after.keys()
    ]


@contextmanager
def _database(url: str) -> Iterator[str]:
    """Give a new database beside the one that the tests run on; with SQLite it is a file of the data directory."""
    if not url:
        yield ""
        return
    import psycopg

    name = f"latchkey_upgrade_{secrets.token_hex(4)}"
    with psycopg.connect(url, autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name}")
        try:
            yield urlsplit(url)._replace(path=f"/{name}").geturl()
        finally:
            server.execute(f"DROP DATABASE {name} WITH (FORCE)")
