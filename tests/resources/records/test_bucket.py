"""Records in a bucket: an S3 of moto's, in this process."""

import random
from contextlib import ExitStack
from datetime import timedelta

import boto3
import pytest
from botocore.exceptions import ReadTimeoutError
from django.db import connection
from django.utils import timezone
from moto import mock_aws

from resources import storages
from resources.kinds import Kind
from resources.models import DiscardedFile, Record
from resources.records import cleaning, discarding, files, reading, writing
from resources.records.bucket import RecordBucket
from resources.runs import restarting, starting
from tests.support.factories import built_actor
from tests.support.run_stage import at_work

# What boto3 does inside itself is not ours to warn about.
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.filterwarnings("ignore::DeprecationWarning")]
LATER = timedelta(days=1)
TEXT = {"content_type": "text/plain"}


@pytest.fixture(autouse=True, params=["", "deep/down"])
def bucket(request, settings, monkeypatch):
    """Keep records in an empty bucket, once at its root and once below a prefix."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "only-for-tests")
    options = {"bucket_name": "records", "location": request.param, "region_name": "us-east-1"}
    with mock_aws():
        made = boto3.resource("s3", region_name="us-east-1").create_bucket(Bucket="records")
        made.put_object(Key="elsewhere/file", Body=b"somebody else's")
        records = {"BACKEND": "resources.records.bucket.RecordBucket", "OPTIONS": options}
        settings.STORAGES = {**settings.STORAGES, "records": records}
        yield made


@pytest.fixture
def store(ada, make_resource):
    return make_resource(Kind.KEY_VALUE_STORE, ada)


def objects(bucket) -> list[str]:
    return [each.key for each in bucket.objects.all() if each.key != "elsewhere/file"]


def content(record, *part) -> bytes:
    with reading.open_record(record, *part) as stream:
        return stream.read()


def wait_is_over() -> None:
    """Delete what was replaced and deleted, as is done some hours later."""
    list(discarding.delete_waited(timezone.now() + LATER))


def test_a_failed_write_leaves_nothing(store, bucket):
    def pieces():
        for _ in range(10):
            yield bytes(1_000_000)
        raise KeyError

    with pytest.raises(KeyError):
        writing.write(store.pk, "KEY", pieces(), **TEXT)
    assert objects(bucket) == []
    assert list(bucket.multipart_uploads.all()) == []
    with pytest.raises(writing.StoreGone):
        writing.write("x" * 17, "KEY", [b"data"], **TEXT)
    assert objects(bucket) == []


def test_what_is_not_there(store):
    record = writing.write(store.pk, "KEY", [b"data"], **TEXT)
    writing.delete(store.pk, "KEY")
    wait_is_over()
    with pytest.raises(FileNotFoundError):
        reading.open_record(record)
    assert reading.open_current(record) is None


@pytest.mark.parametrize("size", [0, 1, 100_000, 20_000_000])
def test_in_and_out(store, bucket, size):
    data = random.Random(size).randbytes(size)
    pieces = [data[at : at + 65_536] for at in range(0, size, 65_536)]
    record = writing.write(store.pk, "KEY", pieces, **TEXT)
    assert (record.size, content(record)) == (size, data)
    if size:
        assert content(record, size // 2, 100)[:100] == data[size // 2 :][:100]
    assert len(objects(bucket)) == 1


def test_replacing_and_deleting(store, bucket):
    writing.write(store.pk, "KEY", [b"old"], **TEXT)
    record = writing.write(store.pk, "KEY", [b"new"], **TEXT)
    assert content(record) == b"new"
    wait_is_over()
    assert [name.removeprefix("deep/down/") for name in objects(bucket)] == [record.file]
    writing.delete(store.pk, "KEY")
    assert len(objects(bucket)) == 1
    wait_is_over()
    assert objects(bucket) == []


def test_deleting_a_store_deletes_its_objects_and_no_others(ada, make_resource, store, bucket):
    kept = writing.write(make_resource(Kind.KEY_VALUE_STORE, ada).pk, "KEY", [b"data"], **TEXT)
    for key in "abc":
        writing.write(store.pk, key, [b"data"], **TEXT)
    storages.delete(store, by=ada.principal)
    assert len(objects(bucket)) == 4
    wait_is_over()
    assert [name.removeprefix("deep/down/") for name in objects(bucket)] == [kept.file]


def test_cleaning(store, bucket, request):
    kept = writing.write(store.pk, "KEY", [b"data"], **TEXT)
    prefix = "deep/down/" if "deep" in request.node.name else ""
    bucket.put_object(Key=f"{prefix}ab/abc/orphan", Body=b"left behind")
    found = list(cleaning.clean(timezone.now() + LATER))
    # At the root of a bucket everything is ours.
    assert set(found) == {"ab/abc/orphan"} | (set() if prefix else {"elsewhere/file"})
    assert Record.objects.get().file == kept.file
    assert content(kept) == b"data"


def test_over_http(api, ada, store):
    client, url = api(ada), f"/v2/key-value-stores/{store.pk}/records/KEY"
    data = random.Random(5).randbytes(200_000)
    assert client.put(url, data, "image/png").status_code == 201
    answer = client.get(url)
    assert b"".join(answer.streaming_content) == data
    part = client.get(url, headers={"Range": "bytes=1000-150000"})
    assert (part.status_code, b"".join(part.streaming_content)) == (206, data[1000:150_001])
    assert client.delete(url).status_code == 204
    assert client.get(url).status_code == 404


def test_the_bucket_is_never_asked_in_a_transaction(ada, dan, store, bucket, request, monkeypatch):
    asked = []
    asking = RecordBucket._refuse_while_away

    def note(self, **details):
        asked.append(connection.in_atomic_block)
        asking(self, **details)

    monkeypatch.setattr(RecordBucket, "_refuse_while_away", note)
    writing.write(store.pk, "KEY", [b"old"], **TEXT)
    writing.write(store.pk, "KEY", [b"new"], **TEXT)
    writing.delete(store.pk, "KEY")
    with pytest.raises(writing.StoreGone):
        writing.write("x" * 17, "KEY", [b"data"], **TEXT)
    run = starting.start(built_actor(dan, is_public=True), by=ada.principal, input=b"{}", content_type="text/plain")
    restarting.metamorph(at_work(run), built_actor(dan, name="other"), by=ada.principal, input=b"{}")
    prefix = "deep/down/" if "deep" in request.node.name else ""
    bucket.put_object(Key=f"{prefix}ab/abc/orphan", Body=b"left behind")
    list(cleaning.clean(timezone.now() + LATER))
    wait_is_over()
    assert len(asked) > 8
    assert not any(asked)


@pytest.fixture
def waits(monkeypatch) -> list[float]:
    """For how long each answer of the bucket is waited for."""
    noted: list[float] = []
    asking = RecordBucket._refuse_while_away

    def note(self, **details):
        noted.append(self.connection.meta.client.meta.config.read_timeout)
        asking(self, **details)

    monkeypatch.setattr(RecordBucket, "_refuse_while_away", note)
    return noted


@pytest.mark.parametrize(("size", "seconds"), [(100_000, 3.0), (9 * 1024 * 1024, 60.0)])
def test_answers_are_waited_for_longer_while_a_large_record_is_saved(store, waits, size, seconds):
    record = writing.write(store.pk, "KEY", [bytes(size)], **TEXT)
    assert set(waits) == {seconds}
    assert len(content(record)) == size
    assert waits[-1] == 3.0


def test_only_some_large_records_at_once_wait_longer(store, waits):
    storage = files.storage()
    with ExitStack() as stack:
        for _ in range(4):
            assert storage._saving.acquire(blocking=False)
            stack.callback(storage._saving.release)
        writing.write(store.pk, "KEY", [bytes(9 * 1024 * 1024)], **TEXT)
    assert set(waits) == {3.0}


def test_a_bucket_that_is_away_is_not_asked_by_who_saves_a_large_record_either(store, waits, monkeypatch):
    monkeypatch.setattr("resources.records.bucket._PAUSE_SECONDS", 3600)
    storage = files.storage()
    storage._note_failure(ReadTimeoutError(endpoint_url="x", error="late"))
    with pytest.raises(files.StorageAway):
        writing.write(store.pk, "KEY", [bytes(9 * 1024 * 1024)], **TEXT)


def test_what_was_cleaned_away_is_noted_until_no_writer_can_name_it(store, bucket, request):
    prefix = "deep/down/" if "deep" in request.node.name else ""
    bucket.put_object(Key=f"{prefix}ab/abc/orphan", Body=b"left behind")
    list(cleaning.clean(timezone.now() + LATER))
    assert list(cleaning.clean(timezone.now() + LATER)) == []
    list(discarding.delete_waited(timezone.now()))
    assert DiscardedFile.objects.filter(file="ab/abc/orphan").exists()
    wait_is_over()
    assert not DiscardedFile.objects.exists()
