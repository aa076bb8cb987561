"""Hosts that do not fit to the database do not start, and say in a sentence what to do."""

import os
import shutil
import subprocess
import sys

import pytest
from django.core.files.storage import storages
from django.db import OperationalError, ProgrammingError, connection

from accounts.lib import database_clock, database_errors
from accounts.models import DeploymentFact
from resources import start_checks
from resources.records import directory
from resources.records.bucket import RecordBucket
from resources.records.directory import IDENTITY_FILE, RecordDirectory
from resources.start_checks import StartRefused
from tests.support.deployment import ROOT, empty_database, free_port, host, manage
from tests.support.faulty_proxy import faulty_database

on_postgresql = pytest.mark.skipif(connection.vendor != "postgresql", reason="It is about PostgreSQL's connections.")
PREPARE = ("serve", "--prepare-only")
OURS, OTHER = "a" * 50, "b" * 50


@pytest.fixture
def records(tmp_path, monkeypatch):
    """Return a function that has this host keep records in a directory of a name."""

    def keep_in(name):
        storage = RecordDirectory(location=tmp_path / name)
        monkeypatch.setattr("resources.records.files.storage", lambda: storage)
        return storage

    keep_in("one")
    return keep_in


@pytest.mark.django_db
def test_another_secret_is_refused_until_it_is_adopted(settings):
    settings.SECRET_KEY = OURS
    start_checks.check_secret()
    settings.SECRET_KEY = OTHER
    with pytest.raises(StartRefused, match=r"SECRET_KEY is not the secret of this database, which \S+ has: give"):
        start_checks.check_secret()
    start_checks.adopt_secret()
    start_checks.check_secret()
    settings.SECRET_KEY = OURS
    with pytest.raises(StartRefused):
        start_checks.check_secret()


@pytest.mark.django_db
def test_a_secret_that_is_rotated_is_known_by_its_fallback(settings):
    settings.SECRET_KEY = OURS
    start_checks.check_secret()
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = OTHER, [OURS]
    start_checks.check_secret()
    settings.SECRET_KEY_FALLBACKS = []
    with pytest.raises(StartRefused):  # nothing has been encrypted anew
        start_checks.check_secret()


@pytest.mark.django_db
def test_records_in_files_of_another_host_are_refused_until_they_are_adopted(records):
    start_checks.check_records()
    start_checks.check_records()
    other = records("two")
    with pytest.raises(StartRefused, match=r"The records of this database are files of .*/two: let all hosts share"):
        start_checks.check_records()
    assert other.identity() == ""  # a start that is refused leaves nothing that looks right
    start_checks.adopt_records()
    start_checks.check_records()
    records("one")
    with pytest.raises(StartRefused):
        start_checks.check_records()


@pytest.mark.django_db
def test_records_in_a_bucket_and_in_files_are_not_mixed(records, monkeypatch):
    directory = records("one")
    bucket = RecordBucket(bucket_name="archive", location="records/")
    monkeypatch.setattr("resources.records.files.storage", lambda: bucket)
    start_checks.check_records()
    assert DeploymentFact.objects.get(pk="records").value == "bucket archive/records"
    monkeypatch.setattr("resources.records.files.storage", lambda: directory)
    with pytest.raises(StartRefused, match="are in the bucket archive/records, and this host looks for them in /"):
        start_checks.check_records()


def test_the_file_that_names_a_directory_is_no_record(records):
    storage = records("one")
    made = storage.identity(make=True)
    assert made == storage.identity(make=True) == storage.identity() != ""
    assert list(storage.walk()) == []
    assert storages["records"].path(IDENTITY_FILE)  # it lies where records do


def test_two_first_starts_at_once_read_the_same_directory(records, monkeypatch):
    """The one that starts while the other has begun to write reads no half of it."""
    storage, make_id, seen = records("one"), directory.new_id, []

    def start_another():
        monkeypatch.setattr(directory, "new_id", make_id)
        seen.append(storage.identity(make=True))
        return make_id()

    monkeypatch.setattr(directory, "new_id", start_another)
    assert storage.identity(make=True) == storage.identity() == seen[0] != ""
    assert list(storage.walk()) == []


@pytest.mark.django_db
def test_a_schema_of_a_newer_version_is_refused():
    start_checks.check_schema()
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO django_migrations (app, name, applied) VALUES ('resources', '9999_later', CURRENT_TIMESTAMP)"
        )
    with pytest.raises(StartRefused, match=r"newer version .*resources\.9999_later.*: start that version"):
        start_checks.check_schema()


@pytest.mark.django_db
@pytest.mark.parametrize(("ahead", "which"), [(600, "600 seconds ahead of"), (-6, "6 seconds behind")])
def test_a_clock_that_is_wrong_is_refused(monkeypatch, ahead, which):
    true = database_clock.time.time
    monkeypatch.setattr("accounts.lib.database_clock.time.time", lambda: true() + ahead)
    with pytest.raises(StartRefused, match=f"{which} the database's: set both by NTP"):
        start_checks.check_clock()


@pytest.mark.django_db
def test_a_clock_that_is_a_little_wrong_is_fine(monkeypatch):
    true = database_clock.time.time
    monkeypatch.setattr("accounts.lib.database_clock.time.time", lambda: true() + 3)
    start_checks.check_clock()


def refusal(environment, *command) -> str:
    """Return the sentence that a command of manage.py ends with."""
    done = manage(environment, *command)
    assert done.returncode == 1, done.stdout
    assert "Traceback" not in done.stderr
    return done.stderr.strip().splitlines()[-1]


def test_every_way_to_start_is_checked_and_of_two_first_starts_the_second_waits(tmp_path):
    """In one test, because each start of a deployment takes seconds."""
    with empty_database() as url:
        ours = host(tmp_path / "one", url, SECRET_KEY=OURS, DEMO="1")
        start = [sys.executable, "manage.py", *PREPARE]
        starts = [
            subprocess.Popen(start, cwd=ROOT, env=ours, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            for _ in range(2)
        ]
        said = [each.communicate(timeout=400)[0] for each in starts]
        assert [each.returncode for each in starts] == [0, 0], said
        assert sum("this one waits for it" in each for each in said) == 1, said

        other = {**ours, "SECRET_KEY": OTHER}
        wrong = "SECRET_KEY is not the secret of this database"
        assert wrong in refusal(other, *PREPARE)
        assert wrong in refusal(other, "worker")
        gunicorn = [sys.executable, "-m", "gunicorn", "--config", "python:console.server.gunicorn_config"]
        done = subprocess.run(gunicorn, cwd=ROOT, env=other, capture_output=True, text=True, timeout=200, check=False)
        assert done.returncode != 0
        assert wrong in done.stderr

        ahead = {**ours, "DJANGO_SETTINGS_MODULE": "tests.support.clock_ahead", "SECONDS_AHEAD": "600"}
        assert "600 seconds ahead of the database's" in refusal(ahead, "worker")
        (tmp_path / "two").mkdir()
        elsewhere = {**ours, "DATA_DIR": str(tmp_path / "two")}
        if not url:
            shutil.copyfile(tmp_path / "one" / "latchkey.sqlite3", tmp_path / "two" / "latchkey.sqlite3")
        assert "files of" in refusal(elsewhere, "worker")
        assert manage(elsewhere, "adopt", "records").returncode == 0
        if url:  # else each has a database of its own
            assert "files of" in refusal(ours, "worker")

        code = "from django.db import connection; connection.cursor().execute('DROP TABLE accounts_upgradenotice')"
        assert manage(elsewhere, "shell", "-c", code).returncode == 0
        assert refusal(elsewhere, *PREPARE).startswith("CommandError: The database refuses: ")


@on_postgresql
def test_a_database_that_is_down_silent_or_refuses_says_which(tmp_path):
    down = host(tmp_path, f"postgresql://nobody@127.0.0.1:{free_port()}/nothing")
    assert "The database does not answer" in refusal(down, *PREPARE)
    url = os.environ["DATABASE_URL"]
    missing = refusal(host(tmp_path, url.rpartition("/")[0] + "/no_such_database"), *PREPARE)
    assert "The database refuses" in missing
    assert "does not exist" in missing
    with faulty_database(url) as (proxy, through):
        proxy.swallow()
        assert "The database does not answer" in refusal(host(tmp_path, through), *PREPARE)


def _caused(error, cause):
    error.__cause__ = cause
    return error


@on_postgresql
def test_errors_of_postgresql_are_told_apart():
    from psycopg import errors

    assert database_errors.is_unavailable(_caused(OperationalError(), errors.AdminShutdown()))
    assert database_errors.is_unavailable(_caused(OperationalError(), errors.TooManyConnections()))
    assert not database_errors.is_unavailable(_caused(OperationalError(), errors.DiskFull()))
    assert database_errors.is_full(_caused(OperationalError(), errors.DiskFull()))
    refused = _caused(OperationalError(), errors.OperationalError('FATAL:  password authentication failed for "x"'))
    assert not database_errors.is_unavailable(refused)
    assert not database_errors.is_unavailable(_caused(ProgrammingError(), errors.UndefinedTable()))
