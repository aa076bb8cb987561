"""Writing and deleting records: refusals, then crashes at each step, then what is counted. Then cleaning, and races."""

import contextlib
import os
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.utils import timezone

from resources import storages
from resources.kinds import Kind
from resources.models import DiscardedFile, KeyValueStore, Record, Resource
from resources.records import cleaning, discarding, reading, rows, usage, writing
from resources.records.incoming import Incoming
from resources.worker.maintenance import background_chores
from tests.support.factories import make_resource

pytestmark = pytest.mark.django_db(transaction=True)
TEXT = {"content_type": "text/plain"}
LATER = timedelta(days=3650)


class Killed(BaseException):
    """Nothing catches this by accident."""


@pytest.fixture(autouse=True)
def directory(settings, tmp_path) -> Path:
    """Keep the files of each test by themselves."""
    records = {"BACKEND": "resources.records.directory.RecordDirectory", "OPTIONS": {"location": tmp_path}}
    settings.STORAGES = {**settings.STORAGES, "records": records}
    return tmp_path


@pytest.fixture
def store(ada, make_resource):
    return make_resource(Kind.KEY_VALUE_STORE, ada)


def put(store, key="KEY", data=b"data", **more):
    return writing.write(store.pk, key, [data], **{**TEXT, **more})


def content(store, key="KEY") -> bytes | None:
    record = reading.find(store.pk, key)
    if record is None:
        return None
    with reading.open_record(record) as stream:
        return stream.read()


def undone(change) -> None:
    with transaction.atomic():
        change()
        raise Killed


def stored(directory: Path) -> set[str]:
    return {str(path.relative_to(directory)) for path in directory.rglob("*") if path.is_file()}


def named() -> set[str]:
    return set(Record.objects.values_list("file", flat=True))


def waiting() -> set[str]:
    return set(DiscardedFile.objects.values_list("file", flat=True))


def wait_is_over() -> set[str]:
    """Delete what was replaced and deleted, as is done some hours later; return what that was."""
    return set(discarding.delete_waited(timezone.now() + LATER))


def state(store) -> dict[str, object]:
    counters = KeyValueStore.objects.filter(pk=store.pk).values().get()
    return {**counters, "records": list(Record.objects.order_by("key").values())}


# Refusals


@pytest.mark.parametrize("key", ["", "..", "a/b", "a\x00", "\ud800", "x" * 257])
def test_a_key_that_cannot_be(store, directory, key):
    with pytest.raises(writing.InvalidKey):
        put(store, key)
    with pytest.raises(writing.InvalidKey):
        writing.delete(store.pk, key)
    assert reading.find(store.pk, key) is None
    assert not stored(directory)


def test_a_store_that_is_not_there(store, directory):
    store_id = store.pk
    storages.delete(store, by=store.owner.principal)
    with pytest.raises(writing.StoreGone):
        writing.write(store_id, "KEY", [b"data"], **TEXT)
    with pytest.raises(writing.StoreGone):
        writing.delete(store_id, "KEY")
    assert not stored(directory)


def test_too_large_by_one_byte(store, directory, settings):
    settings.API_MAX_RECORD_BYTES = 10
    put(store, data=b"0123456789")
    before = state(store)
    with pytest.raises(writing.TooLarge):
        writing.write(store.pk, "KEY", [b"01234", b"56789", b"0", b"never read"], **TEXT)
    assert state(store) == before
    assert content(store) == b"0123456789"
    assert stored(directory) == named()


def test_who_expects_something_else(store, directory):
    put(store)
    before = state(store)

    def refuse(record):
        assert record.key == "KEY"
        raise PermissionError

    with pytest.raises(PermissionError):
        put(store, data=b"new", expect=refuse)
    with pytest.raises(PermissionError):
        writing.delete(store.pk, "KEY", expect=refuse)
    assert (state(store), content(store), stored(directory)) == (before, b"data", named())


# Crashes


def broken_pieces():
    yield b"half"
    raise Killed


@pytest.mark.parametrize("is_there", [False, True])
def test_a_client_that_breaks_off(store, directory, is_there):
    if is_there:
        put(store)
    before = state(store)
    with pytest.raises(Killed):
        writing.write(store.pk, "KEY", broken_pieces(), **TEXT)
    assert state(store) == before
    assert stored(directory) == named()


STEPS = [
    "resources.records.writing.files.new_name",
    "resources.records.directory.os.open",
    "resources.records.directory.os.fsync",
    "resources.records.directory._sync",
    "resources.records.rows.lock",
    "resources.records.rows.find",
    "resources.records.rows.put",
    "resources.records.discarding.discard",
    "resources.records.discarding.is_discarded",
]
# What the transaction of a write consists of, by whether the key had a record.
STATEMENTS = {
    False: ["SELECT 1", "SELECT id", "INSERT", "UPDATE", "UPDATE", "SELECT 1"],
    True: ["SELECT 1", "SELECT id", "UPDATE", "UPDATE", "UPDATE", "INSERT", "SELECT 1"],
}


@pytest.mark.parametrize(
    ("step", "is_there"),
    [(step, is_there) for step in STEPS for is_there in (True, False) if is_there or not step.endswith(".discard")],
)
def test_a_failure_at_any_step_leaves_everything_as_it_was(store, directory, monkeypatch, step, is_there):
    if is_there:
        put(store)
    before = state(store)

    def fail(*args, **kwargs):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(step, fail)
        with pytest.raises(Killed):
            put(store, data=b"new")
    assert state(store) == before
    assert content(store) == (b"data" if is_there else None)
    assert stored(directory) == named()
    put(store, data=b"and again")
    assert content(store) == b"and again"
    assert stored(directory) == named() | waiting()


@pytest.mark.parametrize(
    ("at", "is_there"), [(at, is_there) for is_there, each in STATEMENTS.items() for at in range(len(each))]
)
def test_a_failure_in_any_statement_leaves_everything_as_it_was(store, directory, at, is_there):
    if is_there:
        put(store)
    before = (state(store), Resource.objects.filter(pk=store.pk).values().get(), waiting())
    due = STATEMENTS[is_there][: at + 1]

    def fail(execute, sql, *more):
        if not sql.startswith(("BEGIN", "ROLLBACK")):
            assert sql.startswith(due.pop(0))
            if not due:
                raise Killed
        return execute(sql, *more)

    with pytest.raises(Killed), connection.execute_wrapper(fail):
        put(store, data=b"new")
    assert (state(store), Resource.objects.filter(pk=store.pk).values().get(), waiting()) == before
    assert content(store) == (b"data" if is_there else None)
    assert stored(directory) == named()


@pytest.mark.parametrize("is_there", [False, True])
def test_a_process_that_dies_between_the_bytes_and_the_row_leaves_one_file_to_clean(
    store, directory, monkeypatch, is_there
):
    if is_there:
        put(store)
    before = state(store)

    def fail(*args, **kwargs):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr("resources.records.rows.lock", fail)
        patch.setattr("resources.records.files.discard", lambda name: None)  # who is dead does not tidy up
        with pytest.raises(Killed):
            put(store, data=b"new")
    assert (state(store), content(store)) == (before, b"data" if is_there else None)
    (orphan,) = stored(directory) - named()
    assert list(cleaning.clean(timezone.now() + LATER)) == [orphan]
    assert stored(directory) == named()


def test_an_unknown_outcome_of_the_commit_loses_no_bytes(store, directory, monkeypatch):
    """The row may be there although the commit failed for whoever asked for it, so its bytes have to be."""
    commit = transaction.Atomic.__exit__

    def commit_and_fail(self, *error):
        commit(self, *error)
        if error == (None, None, None):
            raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(transaction.Atomic, "__exit__", commit_and_fail)
        with pytest.raises(Killed):
            put(store, data=b"new")
    assert content(store) == b"new"


def test_a_file_that_cannot_be_deleted_fails_nothing(store, directory, monkeypatch):
    put(store)

    def fail(self, name):
        raise PermissionError(name)

    with monkeypatch.context() as patch:
        patch.setattr("resources.records.directory.RecordDirectory.delete", fail)
        put(store, data=b"new")
        assert content(store) == b"new"
        assert writing.delete(store.pk, "KEY")
        assert wait_is_over() == set()
    assert len(stored(directory)) == 2
    assert stored(directory) == waiting() == wait_is_over()
    assert not stored(directory)
    assert not waiting()


def test_a_change_that_is_taken_back_takes_back_the_record(store, directory):
    put(store)
    with pytest.raises(Killed):
        undone(lambda: (put(store, data=b"new"), writing.delete(store.pk, "KEY")))
    assert content(store) == b"data"


# What is kept and counted


def test_counters_move_with_every_change(store):
    put(store, "a", b"12345")
    put(store, "b", b"123")
    put(store, "a", b"1")
    put(store, "c", b"")
    assert writing.delete(store.pk, "b")
    assert not writing.delete(store.pk, "b")
    seen = state(store)
    counted = [seen[name] for name in ("record_count", "stored_bytes", "write_count", "delete_count")]
    assert counted == [2, 1, 4, 1]


def test_replacing_keeps_the_birthday_and_takes_the_old_bytes_away(store, directory):
    first = put(store, data=b"one")
    second = put(store, data=b"two", content_type="application/json", content_encoding="gzip")
    record = Record.objects.get()
    assert (record.pk, record.created_at) == (first.pk, first.created_at)
    assert record.modified_at > first.modified_at
    assert (record.content_type, record.content_encoding, record.size) == ("application/json", "gzip", 3)
    assert stored(directory) == {first.file, second.file}
    assert wait_is_over() == {first.file}
    assert stored(directory) == {second.file}
    assert Resource.objects.get(pk=store.pk).modified_at == record.modified_at


def test_the_digest_changes_with_the_bytes_the_type_and_the_encoding(store):
    digests = [
        put(store, data=data, content_type=type_, content_encoding=encoding).digest
        for data, type_, encoding in [
            (b"data", "text/plain", ""),
            (b"Data", "text/plain", ""),
            (b"data", "text/html", ""),
            (b"data", "text/plain", "gzip"),
        ]
    ]
    assert len(set(digests)) == 4
    assert put(store).digest == digests[0]


def test_files_are_nobody_elses_to_read_and_have_nothing_of_the_key_in_them(store, directory):
    put(store, "a-telling-key")
    (name,) = stored(directory)
    assert "telling" not in name
    assert (directory / name).stat().st_mode & 0o777 == 0o600
    assert (directory / name).parent.stat().st_mode & 0o777 == 0o700


def test_deleting_a_store_deletes_its_files_and_no_others(ada, make_resource, store, directory):
    other = make_resource(Kind.KEY_VALUE_STORE, ada)
    kept = put(other)
    for key in "abc":
        put(store, key)
    storages.delete(store, by=ada.principal)
    assert len(wait_is_over()) == 3
    assert stored(directory) == {kept.file} == named()
    assert [each.name for each in directory.glob("*/*")] == [other.pk], "the folder has gone too"


def test_a_deletion_that_is_taken_back_keeps_the_files(store, directory):
    put(store)
    with pytest.raises(Killed):
        undone(lambda: storages.delete(store, by=store.owner.principal))
    assert content(store) == b"data"


def test_deleting_a_run_or_an_account_deletes_the_files(ada, ben, make_resource, directory):
    run = make_resource(Kind.RUN, ada)
    put(make_resource(Kind.KEY_VALUE_STORE, ada, run=run))
    kept = put(make_resource(Kind.KEY_VALUE_STORE, ben))
    put(make_resource(Kind.KEY_VALUE_STORE, ada))
    run.delete()
    assert len(wait_is_over()) == 1
    assert len(stored(directory)) == 2
    ada.delete()
    assert len(wait_is_over()) == 1
    assert stored(directory) == {kept.file}


def test_keys_are_in_the_order_of_their_bytes(store):
    keys = ["a", "B", "b", "_", "A-1", "A", "A.1", "a1", "10", "9", "!", "(x)"]
    for key in keys:
        put(store, key)
    listed, more = reading.list_records(store.pk, reading.KeyFilter(), "", 100)
    assert ([record.key for record in listed], more) == (sorted(keys), False)
    after, _ = reading.list_records(store.pk, reading.KeyFilter(("A",)), "A", 100)
    assert [record.key for record in after] == ["A-1", "A.1"]


def test_lists_are_counted_when_they_are_saved(store):
    usage.lists.flush()
    usage.lists.add(store.pk)
    usage.lists.add(store.pk)
    usage.lists.add("no-such-store")
    usage.lists.flush()
    assert state(store)["list_count"] == 2


# What comes in, for a storage that reads it


def test_reading_what_comes_in_by_the_size():
    incoming = Incoming([b"abc", b"defgh", b"i"], 100)
    assert [incoming.read(4), incoming.read(2), incoming.read(0), incoming.read(10), incoming.read(10)] == [
        b"abcd",
        b"ef",
        b"",
        b"ghi",
        b"",
    ]
    assert incoming.bytes_read == 9
    assert Incoming([b"ab", b"c"], 100).read() == b"abc"


# Cleaning


def orphan(directory: Path, age: timedelta, name: str = "ab/abc/orphan") -> Path:
    path = directory / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"left behind")
    moment = (datetime.now(UTC) - age).timestamp()
    os.utime(path, (moment, moment))
    return path


@pytest.mark.parametrize("hours", ["-1", "nan", "inf", "1e300"])
def test_an_age_that_is_none(hours):
    with pytest.raises(CommandError):
        call_command("clean_records", "--older-than", hours)


def test_the_command_deletes_old_orphans_and_nothing_else(store, directory, capsys):
    record = put(store)
    os.utime(directory / record.file, (0, 0))
    young = orphan(directory, timedelta(hours=23), "ab/abc/young")
    old = orphan(directory, timedelta(hours=25))

    call_command("clean_records", "--dry-run")
    assert capsys.readouterr().out == "ab/abc/orphan\n1 file to delete.\n"
    assert old.exists()
    call_command("clean_records")
    assert capsys.readouterr().out == "1 file deleted.\n"
    assert not old.exists()
    assert young.exists()
    assert content(store) == b"data"
    call_command("clean_records", "--older-than", "1")
    assert capsys.readouterr().out == "1 file deleted.\n"
    assert stored(directory) == {record.file}


@pytest.mark.parametrize("older_than", ["0", "24"])
def test_what_was_replaced_or_deleted_waits_whatever_its_age_and_then_goes(store, directory, settings, older_than):
    """A backup may have named it a moment ago; the file itself may be years old."""
    old, deleted = put(store), put(store, "deleted")
    gone = put(make_other_store(store), "with-its-store")
    for record in (old, deleted, gone):
        os.utime(directory / record.file, (0, 0))
    new = put(store, data=b"new")
    writing.delete(store.pk, "deleted")
    storages.delete(gone.store, by=store.owner.principal)
    call_command("clean_records", "--older-than", older_than, verbosity=0)
    assert stored(directory) == {old.file, deleted.file, gone.file, new.file}

    a_moment_too_early = timezone.now() - timedelta(hours=settings.RECORDS_WAIT_HOURS) + timedelta(minutes=5)
    DiscardedFile.objects.update(at=a_moment_too_early)
    assert discarding.delete_due() == 0
    DiscardedFile.objects.update(at=a_moment_too_early - timedelta(minutes=6))
    call_command("clean_records", "--dry-run", verbosity=0)
    assert len(stored(directory)) == 4
    call_command("clean_records", "--older-than", older_than, verbosity=0)
    assert stored(directory) == {new.file}
    assert not waiting()


def make_other_store(store):
    return make_resource(Kind.KEY_VALUE_STORE, store.owner)


def test_a_worker_deletes_what_has_waited(store, directory):
    put(store)
    put(store, data=b"new")
    chores = [chore for chore in background_chores() if chore.do == discarding.delete_due]
    DiscardedFile.objects.update(at=timezone.now() - timedelta(days=1))
    assert [chore.do() for chore in chores] == [1]
    assert stored(directory) == named()


def test_cleaning_many_files(store, directory):
    for number in range(120):
        orphan(directory, timedelta(hours=30), f"ab/abc/{number}")
        put(store, f"key-{number}")
    assert len(list(cleaning.clean(timezone.now() + LATER))) == 120
    assert stored(directory) == named()


def test_cleaning_where_nothing_was_ever_stored(settings, tmp_path):
    records = {"BACKEND": "resources.records.directory.RecordDirectory", "OPTIONS": {"location": tmp_path / "none"}}
    settings.STORAGES = {**settings.STORAGES, "records": records}
    assert list(cleaning.clean(timezone.now() + LATER)) == []


def test_a_writer_whose_file_was_cleaned_away_fails_and_loses_nothing(store, directory, monkeypatch):
    """It slept between its bytes and its row for longer than cleaning waits."""
    put(store)
    before = state(store)
    lock = rows.lock

    def sleep_long(store_id):
        assert len(list(cleaning.clean(timezone.now() + LATER))) == 1
        return lock(store_id)

    with monkeypatch.context() as patch:
        patch.setattr("resources.records.cleaning._keep_rows_from_being_written", lambda: None)
        patch.setattr("resources.records.rows.lock", sleep_long)
        with pytest.raises(writing.FileGone):
            put(store, data=b"new")
    assert (state(store), content(store)) == (before, b"data")
    assert stored(directory) == named()


def test_a_file_that_is_cleaned_away_with_its_folder_before_it_is_named_fails_the_write(store, directory, monkeypatch):
    fsync = os.fsync

    def clean_and_sync(descriptor: int) -> None:
        monkeypatch.setattr(os, "fsync", fsync)
        assert list(cleaning.clean(timezone.now() + LATER))
        fsync(descriptor)

    put(store, "there")
    Record.objects.all().delete()  # so that the folder goes with its last file
    monkeypatch.setattr(os, "fsync", clean_and_sync)

    with pytest.raises(writing.FileGone):
        put(store)

    assert stored(directory) == set()


def test_cleaning_and_writing_at_the_same_time_never_lose_what_was_acknowledged(store, directory):
    """Cleaning here thinks everything old enough, so all that keeps the records is the lock and the second look."""
    acknowledged = {}
    cleaned = threading.Event()

    def write(worker: int) -> None:
        """Write for as long as there is cleaning, and then until something was acknowledged."""
        try:
            number = 0
            while not (cleaned.is_set() and f"{worker}-0" in acknowledged):
                key, data = f"{worker}-{number % 5}", b"%d %d" % (worker, number)
                number += 1
                with contextlib.suppress(writing.FileGone):
                    put(store, key, data)
                    acknowledged[key] = data
        finally:
            connection.close()

    def clean() -> None:
        try:
            for _ in range(30):
                list(cleaning.clean(timezone.now() + LATER))
        finally:
            cleaned.set()
            connection.close()

    threads = [threading.Thread(target=write, args=(worker,)) for worker in range(3)]
    threads.append(threading.Thread(target=clean))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert acknowledged
    assert {key: content(store, key) for key in acknowledged} == acknowledged
    assert named() <= stored(directory)


# Races


def test_a_reader_always_gets_the_whole_of_some_record(store):
    put(store, data=b"0" * 1000)
    stop = threading.Event()

    def write() -> None:
        try:
            number = 0
            while not stop.is_set():
                number = (number + 1) % 10
                put(store, data=b"%d" % number * 1000)
        finally:
            connection.close()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(150):
            found = reading.find(store.pk, "KEY")
            assert found is not None
            opened = reading.open_current(found)
            assert opened is not None
            with opened[1] as stream:
                data = stream.read()
            assert len(data) == 1000
            assert len(set(data)) == 1
    finally:
        stop.set()
        writer.join()


def test_writers_of_one_key_leave_one_record_and_one_file(store, directory):
    barrier = threading.Barrier(4)

    def write(worker: int) -> None:
        try:
            barrier.wait(10)
            for _ in range(5):
                put(store, data=b"%d" % worker)
        finally:
            connection.close()

    threads = [threading.Thread(target=write, args=(worker,)) for worker in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert stored(directory) == named() | waiting()
    wait_is_over()
    assert stored(directory) == named()
    seen = state(store)
    assert (seen["record_count"], seen["stored_bytes"], seen["write_count"]) == (1, 1, 20)


def test_a_store_that_is_deleted_while_it_is_written_to_leaves_nothing(store, directory):
    def pieces():
        yield b"half"
        storages.delete(store, by=store.owner.principal)
        yield b"whole"

    with pytest.raises(writing.StoreGone):
        writing.write(store.pk, "KEY", pieces(), **TEXT)
    assert not stored(directory)
