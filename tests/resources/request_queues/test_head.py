"""The head of a queue, its order, and the locks on its requests: who may not take one off, then how they work."""

from datetime import timedelta

import pytest

from accounts.lib.timestamps import milliseconds
from resources.kinds import Kind
from resources.models import QueuedRequest, RequestQueue
from resources.request_queues import clock, head, locks, reading, writing
from resources.request_queues.clients import Client
from resources.request_queues.errors import NotLockedByClient, RequestNotFound
from tests.support.queue_stage import NOON, ONE, TWO, SetClock, paths, request

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


@pytest.fixture
def time(monkeypatch):
    set_clock = SetClock()
    monkeypatch.setattr(clock, "now", set_clock)
    return set_clock


@pytest.fixture
def queue(ada, make_resource, time):
    made = make_resource(Kind.REQUEST_QUEUE, ada)
    writing.add(made.pk, [request(path) for path in "abcdef"], client=ONE)
    return made


def lock(queue, limit=25, duration=MINUTE, client=ONE):
    return head.lock_head(queue.pk, limit, duration, client=client)


def lock_of(queue, path):
    return reading.get(queue.pk, request(path).id).lock_expires_at


# Refusals


def test_the_lock_of_another_client_can_be_neither_prolonged_nor_taken_off(queue):
    lock(queue, 1)
    a = request("a").id
    for client in (TWO, Client(ONE.account_id), Client(ONE.account_id, "account:account-one")):
        with pytest.raises(NotLockedByClient):
            locks.prolong(queue.pk, a, timedelta(hours=1), client=client)
        with pytest.raises(NotLockedByClient):
            locks.unlock(queue.pk, a, client=client)
        assert locks.unlock_all(queue.pk, client=client) == 0
    assert lock_of(queue, "a") == milliseconds(NOON + MINUTE)


def test_what_is_not_locked_cannot_be_prolonged(queue):
    with pytest.raises(NotLockedByClient):
        locks.prolong(queue.pk, request("a").id, MINUTE, client=ONE)
    assert paths(head.head(queue.pk, 1)) == ["a"]


def test_what_is_handled_cannot_be_prolonged(queue):
    lock(queue, 1)
    handled = request("a", handled_at=milliseconds(NOON))
    writing.replace(queue.pk, handled.id, handled, client=ONE)
    with pytest.raises(NotLockedByClient):
        locks.prolong(queue.pk, handled.id, MINUTE, client=ONE)


@pytest.mark.parametrize("id_", ["nothing", "a\x00b", "é", ""])
def test_there_is_no_lock_on_a_request_that_there_is_not(queue, id_):
    with pytest.raises(RequestNotFound):
        locks.prolong(queue.pk, id_, MINUTE, client=ONE)
    with pytest.raises(RequestNotFound):
        locks.unlock(queue.pk, id_, client=ONE)


def test_a_lock_that_was_lost_to_another_client_is_lost(queue, time):
    lock(queue, 1)
    time.move(seconds=61)
    assert paths(lock(queue, 1, client=TWO).requests) == ["a"]
    with pytest.raises(NotLockedByClient):
        locks.prolong(queue.pk, request("a").id, MINUTE, client=ONE)
    with pytest.raises(NotLockedByClient):
        locks.unlock(queue.pk, request("a").id, client=ONE)


def test_replacing_by_another_client_leaves_the_lock_and_the_place(queue):
    lock(queue, 1)
    writing.replace(queue.pk, request("a").id, request("a", method="POST"), client=TWO, forefront=True)
    assert reading.get(queue.pk, request("a").id).method == "POST"
    assert lock_of(queue, "a") == milliseconds(NOON + MINUTE)
    assert "a" not in paths(lock(queue, client=TWO).requests)


# Order


def test_first_in_first_out_and_the_forefront_before_the_rest(queue):
    writing.add(queue.pk, [request("x"), request("y")], client=ONE, forefront=True)
    writing.add(queue.pk, [request("z")], client=ONE, forefront=True)
    assert paths(head.head(queue.pk, 25)) == ["z", "y", "x", "a", "b", "c", "d", "e", "f"]
    assert paths(head.head(queue.pk, 4)) == ["z", "y", "x", "a"]
    assert paths(lock(queue, 4).requests) == ["z", "y", "x", "a"]


def test_no_two_places_are_the_same_though_the_clock_stands_still(queue):
    keys = list(QueuedRequest.objects.values_list("order_key", flat=True))
    assert len(set(keys)) == 6


# Locks


def test_what_is_locked_is_handed_out_to_nobody_until_the_lock_expires(queue, time):
    first = lock(queue, 2)
    assert paths(first.requests) == ["a", "b"]
    assert first.expires_at == NOON + MINUTE
    assert paths(lock(queue, 2).requests) == ["c", "d"]
    assert paths(lock(queue, client=TWO).requests) == ["e", "f"]
    assert paths(head.head(queue.pk, 25)) == []
    time.move(seconds=59.999)
    assert lock(queue, client=TWO).requests == []
    time.move(milliseconds=1)
    assert paths(head.head(queue.pk, 25)) == ["a", "b", "c", "d", "e", "f"]
    assert lock_of(queue, "a") is None
    assert paths(lock(queue, client=TWO).requests) == ["a", "b", "c", "d", "e", "f"]


def test_an_expired_lock_is_in_its_old_place_among_those_that_never_had_one(queue, time):
    lock(queue, 2)
    writing.add(queue.pk, [request("z")], client=ONE, forefront=True)
    time.move(minutes=2)
    assert paths(head.head(queue.pk, 4)) == ["z", "a", "b", "c"]
    assert paths(lock(queue, 4).requests) == ["z", "a", "b", "c"]


def test_whether_anything_is_locked_by_anybody(queue, time):
    assert lock(queue, 6).has_locked
    assert lock(queue, client=TWO).has_locked
    for path in "abcdef":
        handled = request(path, handled_at=milliseconds(NOON))
        writing.replace(queue.pk, handled.id, handled, client=ONE)
    assert not lock(queue, client=TWO).has_locked


def test_prolonging_counts_from_now_and_puts_last_or_first(queue, time):
    lock(queue, 2)
    time.move(seconds=30)
    a, b = request("a").id, request("b").id
    assert locks.prolong(queue.pk, a, MINUTE, client=ONE) == NOON + timedelta(seconds=90)
    assert locks.prolong(queue.pk, b, MINUTE, client=ONE, forefront=True) == NOON + timedelta(seconds=90)
    time.move(seconds=59)
    assert paths(head.head(queue.pk, 25)) == ["c", "d", "e", "f"]
    time.move(seconds=1)
    assert paths(head.head(queue.pk, 25)) == ["b", "c", "d", "e", "f", "a"]


def test_an_expired_lock_that_nobody_took_can_be_prolonged(queue, time):
    lock(queue, 1)
    time.move(minutes=5)
    assert paths(lock(queue, 0, client=TWO).requests) == []  # takes the expired lock off and nothing for itself
    locks.prolong(queue.pk, request("a").id, MINUTE, client=ONE)
    assert "a" not in paths(head.head(queue.pk, 25))


def test_taking_a_lock_off_puts_last_or_first_and_twice_is_once(queue):
    lock(queue, 3)
    for _ in range(2):
        locks.unlock(queue.pk, request("a").id, client=ONE)
    locks.unlock(queue.pk, request("b").id, client=ONE, forefront=True)
    assert paths(head.head(queue.pk, 25)) == ["b", "d", "e", "f", "a"]
    assert lock_of(queue, "a") is None


def test_unlocking_all_frees_what_the_client_has_and_nothing_else(queue, time):
    lock(queue, 2)
    lock(queue, 2, client=TWO)
    assert locks.unlock_all(queue.pk, client=ONE) == 2
    assert locks.unlock_all(queue.pk, client=ONE) == 0
    assert paths(head.head(queue.pk, 25)) == ["a", "b", "e", "f"]
    time.move(minutes=2)
    assert locks.unlock_all(queue.pk, client=TWO) == 0


def test_clients_without_a_key_are_told_apart_by_their_account(queue):
    one, other = Client("account-one"), Client("account-other")
    lock(queue, 1, client=one)
    with pytest.raises(NotLockedByClient):
        locks.unlock(queue.pk, request("a").id, client=other)
    locks.unlock(queue.pk, request("a").id, client=one)
    assert "a" in paths(head.head(queue.pk, 25))


def test_handling_or_putting_back_takes_the_own_lock_off(queue):
    lock(queue, 2)
    handled = request("a", handled_at=milliseconds(NOON))
    writing.replace(queue.pk, handled.id, handled, client=ONE)
    writing.replace(queue.pk, request("b").id, request("b"), client=ONE, forefront=True)
    assert paths(head.head(queue.pk, 25)) == ["b", "c", "d", "e", "f"]
    assert not QueuedRequest.objects.exclude(lock_expires_at=None).exists()


def test_whoever_handles_takes_any_lock_off(queue):
    lock(queue, 1)
    handled = request("a", handled_at=milliseconds(NOON))
    writing.replace(queue.pk, handled.id, handled, client=TWO)
    assert RequestQueue.objects.get(pk=queue.pk).handled_count == 1
    assert lock_of(queue, "a") is None


def test_a_locked_request_can_be_deleted(queue):
    lock(queue, 1)
    writing.delete(queue.pk, request("a").id, client=TWO)
    assert RequestQueue.objects.get(pk=queue.pk).total_count == 5


def test_head_items_are_counted_and_locking_modifies_the_queue(queue, time):
    time.move(hours=1)
    lock(queue, 2)
    kept = RequestQueue.objects.get(pk=queue.pk)
    assert kept.head_item_read_count == 2
    assert kept.modified_at == NOON + timedelta(hours=1)
    time.move(hours=1)
    lock(queue, 0)
    assert RequestQueue.objects.get(pk=queue.pk).modified_at == NOON + timedelta(hours=1)


def test_locks_and_prolongations_are_writes(queue):
    written = RequestQueue.objects.get(pk=queue.pk).write_count
    lock(queue, 2)
    lock(queue, 0)
    locks.prolong(queue.pk, request("a").id, MINUTE, client=ONE)
    with pytest.raises(NotLockedByClient):
        locks.prolong(queue.pk, request("a").id, MINUTE, client=TWO)
    assert RequestQueue.objects.get(pk=queue.pk).write_count == written + 3
