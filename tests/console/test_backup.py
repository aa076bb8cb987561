"""Backups: refusals first, then what is in one, then under writes at the same time, then what `check_data` finds."""

import io
import json
import os
import shutil
import stat
import threading
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from console.backup import databases, making, restoring
from console.backup.manifest import BackupError
from console.data_checks import every_check
from resources.datasets.writing import push
from resources.kinds import Kind
from resources.models import Dataset, DatasetChunk, KeyValueStore, LogPiece, QueuedRequest, Record, RequestQueue
from resources.records import writing
from tests.support.upgrade_stage import SECRET, empty_place, old_world

pytestmark = pytest.mark.django_db(transaction=True)
TEXT: dict[str, Any] = {"content_type": "text/plain"}


@pytest.fixture(autouse=True)
def directory(settings, tmp_path) -> Path:
    """Keep the files of each test by themselves."""
    place = tmp_path / "records"
    records = {"BACKEND": "resources.records.directory.RecordDirectory", "OPTIONS": {"location": place}}
    settings.STORAGES = {**settings.STORAGES, "records": records}
    return place


@pytest.fixture
def store(ada, make_resource):
    return make_resource(Kind.KEY_VALUE_STORE, ada)


def wrong() -> list[str]:
    return [problem for check in every_check() for problem in check.problems()]


def files_below(place: Path) -> list[Path]:
    return [each for each in place.rglob("*") if each.is_file()]


# Refusals


def test_a_backup_into_a_directory_that_holds_something(tmp_path):
    target = tmp_path / "backup"
    target.mkdir()
    (target / "mine").write_text("mine")
    with pytest.raises(CommandError, match="is not empty"):
        call_command("backup", str(target))
    assert [each.name for each in target.iterdir()] == ["mine"]


def test_a_missing_pg_dump_is_said_and_nothing_is_made(tmp_path, monkeypatch):
    if connection.vendor != "postgresql":
        pytest.skip("SQLite needs no program")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CommandError, match=r"pg_dump is not installed\. Install the client programs of PostgreSQL"):
        call_command("backup", str(tmp_path / "backup"))
    assert not (tmp_path / "backup").exists()


def test_a_backup_that_fails_leaves_nothing(tmp_path, monkeypatch):
    def fail(target):
        raise OSError("The disk is full.")

    monkeypatch.setattr(making, "_copy_records", fail)
    with pytest.raises(OSError, match="full"):
        call_command("backup", str(tmp_path / "backup"))
    assert not (tmp_path / "backup").exists()


@pytest.mark.parametrize("found", ["latchkey.sqlite3", "records", "secret-key", "anything"])
def test_a_place_that_holds_something_takes_no_backup(tmp_path, found):
    call_command("backup", str(tmp_path / "backup"))
    with empty_place(tmp_path / "new") as place:
        place.data.mkdir()
        (place.data / found).write_text("before")
        said = place.manage("restore", str(tmp_path / "backup"), fails=True)
        assert f"holds something already ({found})" in said
        assert [(each.name, each.read_text()) for each in place.data.iterdir()] == [(found, "before")]


@pytest.mark.parametrize("damage", ["nothing there", "no manifest", "a file is cut off", "a file is gone"])
def test_what_is_no_whole_backup_is_not_restored(tmp_path, store, damage):
    writing.write(store.pk, "KEY", [b"data"], **TEXT)
    source = tmp_path / "backup"
    call_command("backup", str(source))
    (copy,) = files_below(source / "records")
    if damage == "nothing there":
        shutil.rmtree(source)
    elif damage == "no manifest":
        (source / "backup.json").unlink()
    elif damage == "a file is cut off":
        copy.write_bytes(b"dat")
    else:
        copy.unlink()
    with empty_place(tmp_path / "new", SECRET_KEY=os.environ["SECRET_KEY"]) as place:
        said = place.manage("restore", str(source), fails=True)
        assert "is not a backup" in said or "The backup is damaged" in said
        assert list(place.data.iterdir()) == []


@pytest.fixture
def new_place(tmp_path, settings, store, monkeypatch) -> Path:
    """Return a DATA_DIR that holds nothing, to which a backup with a record and two more files can be restored."""
    writing.write(store.pk, "KEY", [b"data"], **TEXT)
    call_command("backup", str(tmp_path / "backup"))
    for name in making.SECRETS:
        (tmp_path / "backup" / name).write_text("secret")
    place = tmp_path / "new"
    place.mkdir()
    settings.DATA_DIR = place
    monkeypatch.setitem(connection.settings_dict, "NAME", str(place / "new.sqlite3"))
    monkeypatch.delenv("SECRET_KEY", raising=False)
    return place


@pytest.mark.parametrize("moves", range(3))
def test_a_move_that_fails_leaves_the_place_as_it_was(tmp_path, new_place, monkeypatch, moves):
    """With PostgreSQL, nothing is in the database either."""
    restored: list[Path] = []
    monkeypatch.setattr(databases, "restore_postgresql", restored.append)
    done: list[Path] = []

    def replace(self: Path, target: Path, real=Path.replace) -> Path:
        if len(done) == moves:
            raise OSError("The disk is broken.")
        done.append(target)
        return real(self, target)

    monkeypatch.setattr(Path, "replace", replace)
    with pytest.raises(OSError, match="broken"):
        restoring._restore(tmp_path / "backup")
    assert list(new_place.iterdir()) == restored == []


def test_a_database_that_cannot_be_restored_leaves_the_place_as_it_was(tmp_path, new_place, monkeypatch):
    def fail(source: Path) -> None:
        raise BackupError("pg_restore failed")

    monkeypatch.setattr(connection, "vendor", "postgresql")
    monkeypatch.setattr(databases, "restore_postgresql", fail)
    with pytest.raises(BackupError, match="pg_restore failed"):
        restoring._restore(tmp_path / "backup")
    assert list(new_place.iterdir()) == []


@pytest.mark.parametrize("moves", [0, 1])
def test_with_postgresql_the_database_is_restored_after_every_move(tmp_path, new_place, monkeypatch, moves):
    restored: list[Path] = []
    monkeypatch.setattr(connection, "vendor", "postgresql")
    monkeypatch.setattr(databases, "restore_postgresql", restored.append)

    def fail(self: Path, target: Path) -> Path:
        raise OSError("The disk is broken.")

    if not moves:
        monkeypatch.setattr(Path, "replace", fail)
        with pytest.raises(OSError, match="broken"):
            restoring._restore(tmp_path / "backup")
    else:
        restoring._restore(tmp_path / "backup")
    assert len(restored) == moves
    assert bool(list(new_place.iterdir())) is bool(moves)


# What is in a backup


def test_a_backup_is_private_and_says_that_it_has_no_secret(tmp_path, store, capsys):
    writing.write(store.pk, "KEY", [b"data"], **TEXT)
    before = os.umask(0)
    try:
        call_command("backup", str(tmp_path / "backup"))
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "backup").stat().st_mode) == 0o700
    assert "The server's secret is NOT in the backup: it is given by SECRET_KEY." in capsys.readouterr().out
    assert not (tmp_path / "backup" / "secret-key").exists()


def test_records_in_a_bucket_are_not_copied_and_it_is_said(tmp_path, store, capsys, settings):
    writing.write(store.pk, "KEY", [b"data"], **TEXT)
    options = {"bucket_name": "of-the-records", "region_name": "us-east-1"}
    records = {"BACKEND": "resources.records.bucket.RecordBucket", "OPTIONS": options}
    settings.STORAGES = {**settings.STORAGES, "records": records}
    call_command("backup", str(tmp_path / "backup"))
    assert "in the S3 bucket of-the-records and are NOT in the backup" in capsys.readouterr().out
    assert not (tmp_path / "backup" / "records").exists()


def test_a_file_that_the_database_names_and_that_is_missing_is_named(tmp_path, store, directory, capsys):
    record = writing.write(store.pk, "KEY", [b"data"], **TEXT)
    (directory / record.file).unlink()
    with pytest.raises(CommandError, match=record.file):
        call_command("backup", str(tmp_path / "backup"))
    assert json.loads((tmp_path / "backup" / "backup.json").read_text())["missing"] == [record.file]


def test_a_backup_and_a_restore_of_a_server_that_keeps_its_secret(tmp_path):
    with old_world(tmp_path / "old") as old:
        said = old.manage("backup", str(tmp_path / "backup"))
        before = old.tables()
    assert "The backup HOLDS the server's secret" in said
    manifest = json.loads((tmp_path / "backup" / "backup.json").read_text())
    assert SECRET not in json.dumps(manifest)
    with empty_place(tmp_path / "new", SECRET_KEY="another-secret-0123456789-0123456789-0123456789") as other:
        said = other.manage("restore", str(tmp_path / "backup"), fails=True)
        assert "SECRET_KEY is not the secret that the backup was made with; unset it" in said
    shutil.rmtree(tmp_path / "new", ignore_errors=True)
    with empty_place(tmp_path / "new") as new:
        new.manage("restore", str(tmp_path / "backup"))
        assert new.tables() == before
        assert (new.data / "secret-key").read_text() == SECRET
        assert len(files_below(new.data / "records")) == manifest["recordCount"] == len(before["resources_record"])
        assert {stat.S_IMODE(each.stat().st_mode) for each in files_below(new.data)} == {0o600}


# While everything runs


def test_a_backup_while_records_are_written_replaced_and_deleted_is_whole(tmp_path, ada, make_resource, monkeypatch):
    """Writers replace and delete all that the copy of the database names, before its files are copied."""
    stores = [make_resource(Kind.KEY_VALUE_STORE, ada) for _ in range(3)]
    doomed = make_resource(Kind.KEY_VALUE_STORE, ada)
    doomed_id, dataset = doomed.pk, make_resource(Kind.DATASET, ada)
    for store in (*stores, doomed):
        for key in "abcdefgh":
            writing.write(store.pk, key, [f"{key} of before".encode()], **TEXT)
    push(dataset.pk, b'[{"n": 1}, {"n": 2}]')
    copy_records, done = making._copy_records, threading.Event()

    def work(store: KeyValueStore) -> None:
        try:
            number = 0
            while number < 3 or not done.is_set():
                number += 1
                for key in "abcd":
                    writing.write(store.pk, key, [f"{key} {number}".encode()], **TEXT)
                    push(dataset.pk, b'[{"n": 3}]')
                for key in "efgh" if number == 3 else ():
                    writing.delete(store.pk, key)
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=(store,)) for store in stores]

    def copy_late(target: Path):
        """Copy the files only after each record that there was has been replaced or deleted."""
        done.set()
        for thread in threads:
            thread.join()
        doomed.delete()
        call_command("clean_records", "--older-than", "0", verbosity=0)
        return copy_records(target)

    monkeypatch.setattr(making, "_copy_records", copy_late)
    for thread in threads:
        thread.start()
    call_command("backup", str(tmp_path / "backup"))
    assert wrong() == []
    with empty_place(tmp_path / "new", SECRET_KEY=os.environ["SECRET_KEY"]) as place:
        place.manage("restore", str(tmp_path / "backup"))
        place.manage("check_data")
        assert len(place.rows("resources_record", store_id=doomed_id)) == 8


# What `check_data` finds


def test_nothing_is_wrong_with_what_is_right(store):
    writing.write(store.pk, "KEY", [b"data"], **TEXT)
    assert wrong() == []
    call_command("check_data", stdout=io.StringIO())


@pytest.mark.parametrize("read_files", [True, False])
def test_files_that_are_missing_cut_off_or_changed(store, directory, read_files):
    missing, cut, changed = (writing.write(store.pk, key, [b"data"], **TEXT) for key in ("missing", "cut", "changed"))
    (directory / missing.file).unlink()
    (directory / cut.file).write_bytes(b"dat")
    (directory / changed.file).write_bytes(b"dada")
    (check,) = (check for check in every_check(read_files=read_files) if check.about == "files of records")
    found = list(check.problems())
    assert f"Record missing of {store.pk}: its file {missing.file} is missing." in found
    assert f"Record cut of {store.pk}: its file {cut.file} has 3 bytes instead of 4." in found
    assert [each for each in found if "changed" in each] == (
        [f"Record changed of {store.pk}: its file {changed.file} has other bytes than were written."]
        if read_files
        else []
    )


def _uncounted_record(store, dataset, queue) -> None:
    Record.objects.all().delete()


def _counted_bytes(store, dataset, queue) -> None:
    KeyValueStore.objects.update(stored_bytes=1)


def _broken_chunk(store, dataset, queue) -> None:
    DatasetChunk.objects.update(data=b"not zstd")


def _chunk_of_others(store, dataset, queue) -> None:
    DatasetChunk.objects.update(end_offset=7)


def _lost_chunk(store, dataset, queue) -> None:
    DatasetChunk.objects.all().delete()


def _counted_items(store, dataset, queue) -> None:
    Dataset.objects.update(stored_bytes=1)


def _counted_requests(store, dataset, queue) -> None:
    RequestQueue.objects.update(total_count=3)


def _gap_in_the_log(store, dataset, queue) -> None:
    LogPiece.objects.create(job_id=queue.pk, start=5, data=b"later")


DAMAGE = [
    _uncounted_record,
    _counted_bytes,
    _broken_chunk,
    _chunk_of_others,
    _lost_chunk,
    _counted_items,
    _counted_requests,
    _gap_in_the_log,
]


@pytest.mark.parametrize("damage", DAMAGE)
def test_damage_is_found_and_named(ada, make_resource, store, damage):
    dataset, queue = make_resource(Kind.DATASET, ada), make_resource(Kind.REQUEST_QUEUE, ada)
    writing.write(store.pk, "KEY", [b"data"], **TEXT)
    push(dataset.pk, b'[{"n": 1}, {"n": 2}]')
    QueuedRequest.objects.create(queue=queue, request_id="a" * 15, order_key=1, size=5, unique_key="u", url="u")
    RequestQueue.objects.update(total_count=1, stored_bytes=5)
    assert wrong() == []
    damage(store, dataset, queue)
    found = wrong()
    assert found
    assert all(store.pk in each or dataset.pk in each or queue.pk in each for each in found)
    with pytest.raises(CommandError, match="wrong"):
        call_command("check_data", stdout=io.StringIO())
