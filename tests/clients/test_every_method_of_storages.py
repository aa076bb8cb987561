"""Every public method of the Python client for storages, synchronous and asynchronous; see test_every_method.py."""

import json
from datetime import UTC, datetime, timedelta
from urllib.request import urlopen

import pytest
from apify_client import _resource_clients as of
from apify_client.errors import ConflictError, ForbiddenError

from tests.clients.either import answered_by, answers_for, classes_of_storages
from tests.support.queue_stage import ids, new

ITEMS = [{"n": n, "#hidden": n} for n in range(25)]
MINUTE = timedelta(minutes=1)


def hold_the_collection(collection, of_one) -> str:
    """Make a storage by name and one without, find them in the lists, and return the ID of the first."""
    made = collection.get_or_create(name="prices")
    assert made.name == "prices"
    assert collection.get_or_create(name="prices").id == made.id
    other = collection.get_or_create()
    assert other.name is None
    assert [each.id for each in collection.list().items] == [made.id]
    assert [each.id for each in collection.list(unnamed=True, desc=True, limit=1).items] == [other.id]
    assert [each.id for each in collection.iterate(unnamed=True, chunk_size=1)] == [made.id, other.id]
    assert list(collection.iterate(ownership="sharedWithMe")) == []
    assert of_one(made.id).get().name == of_one("ada/prices").get().name == "prices"
    with pytest.raises(ConflictError):
        of_one(other.id).update(name="prices")
    return made.id


def hold_the_end(storage, of_stranger) -> None:
    """Restrict a storage, which then is closed to a stranger, and delete it."""
    changed = storage.update(title="Prices", general_access="RESTRICTED")
    assert (changed.title, changed.general_access) == ("Prices", "RESTRICTED")
    with pytest.raises(ForbiddenError):
        of_stranger.get()
    storage.delete()
    assert storage.get() is None


def test_the_scenarios_answer_for_every_class_of_storages():
    assert answered_by(globals().values()) == sorted(classes_of_storages())


@answers_for(of.DatasetClient, of.DatasetCollectionClient)
def test_datasets(clients, cast):
    ada, nobody = clients.of(cast["ada"]), clients.of()
    id_ = hold_the_collection(ada.datasets(), ada.dataset)
    dataset = ada.dataset(id_)
    dataset.push_items(ITEMS)
    page = dataset.list_items(offset=3, limit=2)
    assert (page.items, page.total, page.count) == (ITEMS[3:5], 25, 2)
    assert list(dataset.iterate_items(chunk_size=10)) == ITEMS
    assert list(nobody.dataset(id_).iterate_items(desc=True, limit=1)) == ITEMS[24:]
    assert dataset.get_items_as_bytes(item_format="csv", bom=False, clean=True, limit=1).split() == [b"n", b"0"]
    with dataset.stream_items(item_format="jsonl") as response:
        assert [json.loads(line) for line in clients.read(response).splitlines()] == ITEMS
    assert dataset.get_statistics().field_statistics["n"]["max"] == 24
    dataset.update(general_access="RESTRICTED")
    with pytest.raises(ForbiddenError):
        nobody.dataset(id_).list_items(limit=1)
    url = dataset.create_items_public_url(item_format="json", offset=2, limit=1, expires_in=MINUTE)
    with urlopen(url) as answer:
        assert json.load(answer) == ITEMS[2:3]
    hold_the_end(dataset, clients.of(cast["cleo"]).dataset(id_))


@answers_for(of.KeyValueStoreClient, of.KeyValueStoreCollectionClient)
def test_key_value_stores(clients, cast):
    ada = clients.of(cast["ada"])
    id_ = hold_the_collection(ada.key_value_stores(), ada.key_value_store)
    store = ada.key_value_store(id_)
    for n in range(9):
        store.set_record(f"key-{n}", {"n": n})
    store.set_record("bytes", b"\x00\xff", content_type="image/png")
    assert store.get_record("key-3")["value"] == {"n": 3}
    assert store.get_record_as_bytes("key-3")["value"] == b'{"n": 3}'
    assert (store.record_exists("bytes"), store.record_exists("nothing")) == (True, False)
    with store.stream_record("bytes") as streamed:
        assert (clients.read(streamed["value"]), streamed["content_type"]) == (b"\x00\xff", "image/png")
    page = store.list_keys(limit=2, exclusive_start_key="key-1")
    assert ([each.key for each in page.items], page.is_truncated) == (["key-2", "key-3"], True)
    assert [each.key for each in store.iterate_keys(prefix="key-", chunk_size=4)] == [f"key-{n}" for n in range(9)]
    store.delete_record("key-8")
    assert store.get_record("key-8") is None
    store.update(general_access="RESTRICTED")
    with urlopen(store.get_record_public_url("key-3")) as answer:
        assert json.load(answer) == {"n": 3}
    with urlopen(store.create_keys_public_url(limit=1, expires_in=MINUTE)) as answer:
        assert [each["key"] for each in json.load(answer)["data"]["items"]] == ["bytes"]
    hold_the_end(store, clients.of(cast["cleo"]).key_value_store(id_))


@answers_for(of.RequestQueueClient, of.RequestQueueCollectionClient)
def test_request_queues(clients, cast):
    ada = clients.of(cast["ada"])
    id_ = hold_the_collection(ada.request_queues(), ada.request_queue)
    queue, other = (ada.request_queue(id_, client_key=key) for key in ("one", "two"))
    assert queue.add_request(new("a", method="POST")).request_id == ids("a")[0]
    # One after the other, because the order of a queue is anybody's guess where batches are sent side by side.
    added = queue.batch_add_requests([new(path) for path in "abcdef"])
    assert [each.was_already_present for each in added.processed_requests] == [True] + [False] * 5
    assert [each.id for each in queue.list_head(limit=2).items] == ids("ab")
    assert [each.id for each in other.list_and_lock_head(lock_duration=MINUTE, limit=3).items] == ids("abc")
    a, b, c, d = ids("abcd")
    with pytest.raises(ForbiddenError):
        queue.prolong_request_lock(a, lock_duration=MINUTE)
    assert other.prolong_request_lock(a, lock_duration=2 * MINUTE).lock_expires_at > datetime.now(UTC) + MINUTE
    other.delete_request_lock(b)
    assert {each.id for each in queue.list_requests(filter=["locked"]).items} == {a, c}
    assert other.unlock_requests().unlocked_count == 2
    kept = queue.get_request(a)
    assert (kept.method, kept.handled_at) == ("POST", None)
    kept.handled_at = datetime.now(UTC)
    assert not queue.update_request(kept).was_already_handled
    assert queue.get().handled_request_count == 1
    queue.delete_request(c)
    assert queue.get_request(c) is None
    assert len(queue.batch_delete_requests([{"id": d}]).processed_requests) == 1
    assert {each.id for each in queue.iterate_requests(chunk_size=2)} == set(ids("abef"))
    hold_the_end(queue, clients.of(cast["cleo"]).request_queue(id_))
