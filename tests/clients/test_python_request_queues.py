"""The Python client, unchanged: every method of its clients for request queues, synchronous and asynchronous."""

from datetime import UTC, datetime, timedelta

import pytest
from apify_client.errors import ApifyApiError, ForbiddenError, NotFoundError, UnauthorizedError

from resources.request_queues import writing
from tests.clients.either import run_apart
from tests.support.queue_stage import ids, new, request

MINUTE = timedelta(minutes=1)


def test_the_collection(cast, client_of):
    ada = client_of(cast["ada"])
    made = ada.request_queues().get_or_create(name="shop")
    assert (made.name, made.user_id, made.total_request_count) == ("shop", cast["ada"].pk, 0)
    assert ada.request_queues().get_or_create(name="shop").id == made.id
    unnamed = ada.request_queues().get_or_create()
    assert unnamed.name is None
    assert [each.id for each in ada.request_queues().list().items] == [made.id]
    assert [each.id for each in ada.request_queues().list(unnamed=True, desc=True).items] == [unnamed.id, made.id]
    assert {each.id for each in ada.request_queues().iterate(unnamed=True)} == {unnamed.id, made.id}
    assert ada.request_queues().list(ownership="sharedWithMe").items == []
    with pytest.raises(UnauthorizedError):
        client_of().request_queues().list()


def test_one_queue(cast, client_of, give):
    ada, cleo = client_of(cast["ada"]), client_of(cast["cleo"])
    queue = ada.request_queue(ada.request_queues().get_or_create(name="shop").id)
    changed = queue.update(name="store", title="Store", general_access="RESTRICTED")
    assert (changed.name, changed.general_access) == ("store", "RESTRICTED")
    assert queue.get() == ada.request_queue("ada~store").get()
    with pytest.raises(ForbiddenError):
        cleo.request_queue(changed.id).get()
    with pytest.raises(ForbiddenError) as refusal:
        cleo.request_queue(changed.id).list_head()
    assert refusal.value.type == "insufficient-permissions"
    queue.delete()
    assert queue.get() is None


def test_requests_one_by_one(cast, client_of):
    ada = client_of(cast["ada"])
    queue = ada.request_queue(ada.request_queues().get_or_create().id, client_key="one")
    added = queue.add_request(new("a", user_data={"label": "DETAIL"}, method="POST", payload="x=1"))
    assert (added.request_id, added.was_already_present, added.was_already_handled) == (request("a").id, False, False)
    assert queue.add_request(new("a")).was_already_present
    queue.add_request(new("b"), forefront=True)
    head = queue.list_head(limit=10)
    assert [each.id for each in head.items] == ids("ba")
    assert (head.limit, head.had_multiple_clients) == (10, False)

    kept = queue.get_request(added.request_id)
    assert (kept.method, kept.payload, kept.user_data.model_dump()["label"]) == ("POST", "x=1", "DETAIL")
    kept.handled_at = datetime.now(UTC)
    updated = queue.update_request(kept)
    assert (updated.was_already_present, updated.was_already_handled) == (True, False)
    assert queue.add_request(new("a")).was_already_handled
    upserted = queue.update_request({"id": request("c").id, **new("c")}, forefront=True)
    assert not upserted.was_already_present
    assert [each.id for each in queue.list_head().items] == ids("cb")
    assert queue.get().handled_request_count == 1

    queue.delete_request(added.request_id)
    assert queue.get_request(added.request_id) is None
    with pytest.raises(NotFoundError):
        queue.delete_request(added.request_id)


def test_batches_are_cut_and_add_up(cast, client_of):
    ada = client_of(cast["ada"])
    queue = ada.request_queue(ada.request_queues().get_or_create().id, client_key="one")
    paths = [str(number) for number in range(60)]
    added = queue.batch_add_requests([new(path) for path in paths])
    assert [each.request_id for each in added.processed_requests] == ids(paths)
    assert added.unprocessed_requests == []
    assert all(each.was_already_present for each in queue.batch_add_requests([new("7"), new("8")]).processed_requests)
    queue.batch_add_requests([new("first")], forefront=True)
    assert queue.list_head(limit=1).items[0].url == "https://example.com/first"

    deleted = queue.batch_delete_requests([{"uniqueKey": new("first")["uniqueKey"]}, {"id": request("0").id}])
    assert len(deleted.processed_requests) == 2
    seen = queue.get()
    assert (seen.total_request_count, seen.pending_request_count, seen.stats.delete_count) == (59, 59, 2)


def test_lists(cast, client_of):
    ada = client_of(cast["ada"])
    queue = ada.request_queue(ada.request_queues().get_or_create().id, client_key="one")
    queue.batch_add_requests([new(str(number), user_data={"number": number}) for number in range(60)])
    page = queue.list_requests(limit=25)
    assert (len(page.items), page.limit) == (25, 25)
    rest = queue.list_requests(limit=100, cursor=page.next_cursor)
    assert len({each.id for each in page.items + rest.items}) == 60
    assert rest.next_cursor is None
    assert len({each.id for each in queue.iterate_requests(chunk_size=7)}) == 60
    assert len(list(queue.iterate_requests(limit=12, chunk_size=5))) == 12
    queue.list_and_lock_head(lock_duration=MINUTE, limit=20)
    assert len(queue.list_requests(filter=["locked"]).items) == 20
    assert len(queue.list_requests(filter=["pending"]).items) == 40
    assert len(list(queue.iterate_requests(filter=["pending", "locked"], chunk_size=25))) == 60


def test_locks(cast, client_of):
    ada = client_of(cast["ada"])
    made = ada.request_queues().get_or_create().id
    one, two = (ada.request_queue(made, client_key=key) for key in ("one", "two"))
    one.batch_add_requests([new(path) for path in "abcdef"])
    locked = one.list_and_lock_head(lock_duration=MINUTE, limit=4)
    assert [each.id for each in locked.items] == ids("abcd")
    assert (locked.client_key, locked.lock_secs, locked.queue_has_locked_requests) == ("one", 60, True)
    assert all(each.lock_expires_at > datetime.now(UTC) for each in locked.items)
    other = two.list_and_lock_head(lock_duration=MINUTE)
    assert [each.id for each in other.items] == ids("ef")
    assert other.had_multiple_clients

    a, b, *_ = ids("abcd")
    with pytest.raises(ApifyApiError) as refusal:
        two.prolong_request_lock(a, lock_duration=MINUTE)
    assert (refusal.value.status_code, refusal.value.type) == (403, "request-handled-or-locked")
    with pytest.raises(ForbiddenError):
        two.delete_request_lock(a)
    prolonged = one.prolong_request_lock(a, lock_duration=2 * MINUTE, forefront=True)
    assert prolonged.lock_expires_at > locked.items[0].lock_expires_at
    assert one.delete_request_lock(b, forefront=True) is None
    assert [each.id for each in two.list_head().items] == [b]
    assert one.unlock_requests().unlocked_count == 3
    assert two.unlock_requests().unlocked_count == 2
    assert [each.id for each in one.list_head().items] == ids("ba") + ids("cdef")


def test_the_asynchronous_client(cast, async_client_of):
    ada = async_client_of(cast["ada"])

    async def walk():
        made = await ada.request_queues().get_or_create(name="shop")
        queue = ada.request_queue(made.id, client_key="one")
        added = await queue.batch_add_requests([new(str(number)) for number in range(60)], max_parallel=3)
        assert len(added.processed_requests) == 60
        assert (await queue.add_request(new("0"))).was_already_present
        assert len([each async for each in queue.iterate_requests(chunk_size=13)]) == 60
        assert len((await queue.list_requests(limit=5)).items) == 5
        assert len((await queue.list_head(limit=3)).items) == 3
        locked = (await queue.list_and_lock_head(lock_duration=MINUTE, limit=3)).items
        first, second, third = (each.id for each in locked)
        assert await queue.prolong_request_lock(first, lock_duration=MINUTE)
        await queue.delete_request_lock(second)
        handled = await queue.get_request(third)
        handled.handled_at = datetime.now(UTC)
        assert not (await queue.update_request(handled)).was_already_handled
        assert (await queue.unlock_requests()).unlocked_count == 1
        await queue.delete_request(first)
        assert await queue.get_request(first) is None
        assert len((await queue.batch_delete_requests([{"id": second}])).processed_requests) == 1
        seen = await queue.update(title="Shop")
        assert (seen.total_request_count, seen.handled_request_count, seen.pending_request_count) == (58, 1, 57)
        assert [each.id async for each in ada.request_queues().iterate()] == [made.id]
        await queue.delete()
        assert await queue.get() is None

    run_apart(walk())


def test_a_failing_batch_is_tried_again_and_added_once(cast, client_of, monkeypatch):
    """The first answer is a 500 after the requests were added: the client sends them again."""
    add, calls = writing.add, []

    def add_then_fail(*args, **kwargs):
        added = add(*args, **kwargs)
        calls.append(len(added))
        if len(calls) == 1:
            raise RuntimeError("The answer got lost.")
        return added

    monkeypatch.setattr(writing, "add", add_then_fail)
    ada = client_of(cast["ada"])
    queue = ada.request_queue(ada.request_queues().get_or_create().id)
    added = queue.batch_add_requests([new(path) for path in "abc"])
    assert calls == [3, 3]
    assert [each.was_already_present for each in added.processed_requests] == [True] * 3
    assert queue.get().total_request_count == 3
