"""Adding, replacing and deleting the requests of a queue, and the counters that move with them."""

import pytest
from apify.storage_clients._apify._utils import unique_key_to_request_id
from django.db import IntegrityError
from hypothesis import given
from hypothesis import strategies as st

from accounts.lib.timestamps import milliseconds
from resources import storages
from resources.kinds import Kind
from resources.models import QueuedRequest, RequestQueue
from resources.request_queues import head, locks, reading, writing
from resources.request_queues.clients import Client
from resources.request_queues.errors import QueueGone, RequestNotFound, WrongRequestId
from resources.request_queues.identity import looks_like_request_id, request_id
from resources.request_queues.structs import Registered
from tests.support.queue_stage import NOON, ONE, TWO, paths, request

pytestmark = pytest.mark.django_db
HANDLED = milliseconds(NOON)


@pytest.fixture
def queue(ada, make_resource):
    return make_resource(Kind.REQUEST_QUEUE, ada)


def add(queue, requests, client) -> list[Registered]:
    """Add requests of which none is being deleted."""
    added = [each for each in writing.add(queue.pk, requests, client=client) if each is not None]
    assert len(added) == len(requests)
    return added


def counters(queue):
    kept = RequestQueue.objects.get(pk=queue.pk)
    rows = QueuedRequest.objects.filter(queue=queue)
    assert kept.total_count == rows.count()
    assert kept.handled_count == rows.filter(handled_at__isnull=False).count()
    assert kept.stored_bytes == sum(rows.values_list("size", flat=True))
    return kept.total_count, kept.handled_count, kept.pending_count


# Refusals


def test_a_queue_that_is_gone_takes_nothing(ada, queue):
    storages.delete(queue, by=ada.principal)
    for attempt in (
        lambda: writing.add(queue.pk, [request("a")], client=ONE),
        lambda: writing.replace(queue.pk, request("a").id, request("a"), client=ONE),
        lambda: writing.delete_many(queue.pk, [request("a").id], client=ONE),
        lambda: locks.unlock_all(queue.pk, client=ONE),
    ):
        with pytest.raises(QueueGone):
            attempt()
    assert not QueuedRequest.objects.exists()


def test_a_request_cannot_take_the_place_of_another(queue):
    writing.add(queue.pk, [request("a"), request("b")], client=ONE)
    with pytest.raises(WrongRequestId):
        writing.replace(queue.pk, request("a").id, request("b", method="POST"), client=ONE)
    assert reading.get(queue.pk, request("b").id).method == "GET"


@pytest.mark.parametrize("id_", ["", "nothing", "a\x00b", "é", "x" * 1000, "../a"])
def test_a_request_that_there_is_not(queue, id_):
    with pytest.raises(RequestNotFound):
        reading.get(queue.pk, id_)
    with pytest.raises(RequestNotFound):
        writing.delete(queue.pk, id_, client=ONE)
    assert writing.delete_many(queue.pk, [id_], client=ONE) == set()


def test_a_request_of_another_queue_is_not_there(ada, make_resource, queue):
    other = make_resource(Kind.REQUEST_QUEUE, ada)
    writing.add(queue.pk, [request("a")], client=ONE)
    with pytest.raises(RequestNotFound):
        reading.get(other.pk, request("a").id)
    with pytest.raises(RequestNotFound):
        writing.delete(other.pk, request("a").id, client=ONE)
    assert head.head(other.pk, 10) == []
    assert counters(queue) == (1, 0, 1)


def test_a_failed_write_leaves_nothing_behind(queue, monkeypatch):
    def fail(*args):
        raise IntegrityError("no")

    monkeypatch.setattr("resources.request_queues.changing._save", fail)
    with pytest.raises(IntegrityError):
        writing.add(queue.pk, [request("a")], client=ONE)
    assert not QueuedRequest.objects.exists()
    assert counters(queue) == (0, 0, 0)


# Adding


def test_ids_are_those_of_the_clients():
    for key in ("https://example.com/", "GET|60d83e70|e3b0c442|https://apify.com", "", "ключ", "a\x00b"):
        assert request_id(key) == unique_key_to_request_id(key)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_ids_are_those_of_the_clients_for_every_key(key):
    assert request_id(key) == unique_key_to_request_id(key)
    assert looks_like_request_id(request_id(key))


def test_requests_are_added_once_and_stay_as_they_were(queue):
    first = add(queue, [request("a", details='{"userData":{"n":1}}'), request("b")], ONE)
    again = add(queue, [request("a", method="POST"), request("c")], TWO)

    assert [(each.was_present, each.was_handled) for each in first] == [(False, False), (False, False)]
    assert [(each.was_present, each.was_handled) for each in again] == [(True, False), (False, False)]
    assert [each.id for each in first] == [request("a").id, request("b").id]
    kept = reading.get(queue.pk, request("a").id)
    assert (kept.method, kept.details) == ("GET", '{"userData":{"n":1}}')
    assert paths(head.head(queue.pk, 10)) == ["a", "b", "c"]
    assert counters(queue) == (3, 0, 3)


def test_a_request_twice_in_one_batch_is_added_once(queue):
    answers = add(queue, [request("a"), request("b"), request("a", method="POST")], ONE)
    assert [each.was_present for each in answers] == [False, False, True]
    assert reading.get(queue.pk, request("a").id).method == "GET"
    assert paths(head.head(queue.pk, 10)) == ["a", "b"]


def test_what_comes_handled_is_never_handed_out(queue):
    writing.add(queue.pk, [request("a", handled_at=HANDLED), request("b")], client=ONE)
    again = add(queue, [request("a")], ONE)
    assert (again[0].was_present, again[0].was_handled) == (True, True)
    assert paths(head.head(queue.pk, 10)) == ["b"]
    assert counters(queue) == (2, 1, 1)


def test_no_requests_change_nothing(queue):
    modified = RequestQueue.objects.get(pk=queue.pk).modified_at
    assert writing.add(queue.pk, [], client=ONE) == []
    assert writing.delete_many(queue.pk, [], client=ONE) == set()
    assert RequestQueue.objects.get(pk=queue.pk).modified_at == modified


def test_a_request_that_is_deleted_while_it_is_added_can_be_added_again(queue, monkeypatch):
    writing.add(queue.pk, [request("a")], client=ONE)
    monkeypatch.setattr(writing, "_load_handled", lambda *_: {})
    assert writing.add(queue.pk, [request("a"), request("b")], client=ONE)[0] is None
    assert counters(queue) == (2, 0, 2)


# Replacing


def test_replacing_says_how_it_was_before_and_moves_the_counters(queue):
    one = request("a")
    new = writing.replace(queue.pk, one.id, one, client=ONE)
    handled = writing.replace(queue.pk, one.id, request("a", handled_at=HANDLED, retry_count=3), client=ONE)
    assert counters(queue) == (1, 1, 0)
    reopened = writing.replace(queue.pk, one.id, one, client=ONE)

    assert (new.was_present, new.was_handled) == (False, False)
    assert (handled.was_present, handled.was_handled) == (True, False)
    assert (reopened.was_present, reopened.was_handled) == (True, True)
    assert counters(queue) == (1, 0, 1)
    assert reading.get(queue.pk, one.id).retry_count == 0


def test_a_replaced_request_goes_to_the_end_or_to_the_beginning(queue):
    writing.add(queue.pk, [request(path) for path in "abc"], client=ONE)
    writing.replace(queue.pk, request("a").id, request("a"), client=ONE)
    assert paths(head.head(queue.pk, 10)) == ["b", "c", "a"]
    writing.replace(queue.pk, request("c").id, request("c"), client=ONE, forefront=True)
    assert paths(head.head(queue.pk, 10)) == ["c", "b", "a"]


def test_everything_about_a_request_is_replaced(queue):
    writing.add(queue.pk, [request("a", method="POST", details='{"payload":"' + "x" * 100 + '"}')], client=ONE)
    before = RequestQueue.objects.get(pk=queue.pk).stored_bytes
    writing.replace(queue.pk, request("a").id, request("a", retry_count=2), client=ONE)
    kept = reading.get(queue.pk, request("a").id)
    assert (kept.method, kept.retry_count, kept.details) == ("GET", 2, "{}")
    assert RequestQueue.objects.get(pk=queue.pk).stored_bytes == before - 112
    assert counters(queue) == (1, 0, 1)


# Deleting


def test_deleting_moves_the_counters(queue):
    writing.add(queue.pk, [request("a"), request("b", handled_at=HANDLED), request("c")], client=ONE)
    deleted = writing.delete_many(queue.pk, [request("a").id, request("b").id, request("x").id], client=ONE)
    assert deleted == {request("a").id, request("b").id}
    assert counters(queue) == (1, 0, 1)
    writing.delete(queue.pk, request("c").id, client=ONE)
    assert counters(queue) == (0, 0, 0)
    kept = RequestQueue.objects.get(pk=queue.pk)
    assert (kept.write_count, kept.delete_count) == (3, 3)


def test_a_deleted_request_can_be_added_again(queue):
    writing.add(queue.pk, [request("a", handled_at=HANDLED)], client=ONE)
    writing.delete(queue.pk, request("a").id, client=ONE)
    assert add(queue, [request("a")], ONE)[0].was_present is False


def test_deleting_a_queue_deletes_its_requests_in_a_number_of_statements_that_never_grows(
    ada, make_resource, django_assert_max_num_queries
):
    kept = make_resource(Kind.REQUEST_QUEUE, ada)
    writing.add(kept.pk, [request("a")], client=ONE)
    counts = []
    for size in (10, 500):
        doomed = make_resource(Kind.REQUEST_QUEUE, ada)
        writing.add(doomed.pk, [request(str(at)) for at in range(size)], client=ONE)
        with django_assert_max_num_queries(40) as queries:
            storages.delete(doomed, by=ada.principal)
        counts.append(len(queries))
    assert counts[0] == counts[1]
    assert QueuedRequest.objects.count() == 1


# Clients


def seen(queue):
    return RequestQueue.objects.get(pk=queue.pk).had_multiple_clients


def test_one_client_alone_is_one_client(queue):
    for _ in range(3):
        writing.add(queue.pk, [request("a")], client=ONE)
    assert not seen(queue)
    writing.add(queue.pk, [request("b")], client=TWO)
    assert seen(queue)
    writing.add(queue.pk, [request("c")], client=ONE)
    assert seen(queue)


def test_every_call_without_a_key_is_another_client(queue):
    keyless = Client("account-one")
    writing.add(queue.pk, [request("a")], client=keyless)
    assert not seen(queue)
    writing.add(queue.pk, [request("b")], client=keyless)
    assert seen(queue)


@pytest.mark.parametrize("first_keyless", [True, False])
def test_a_client_with_a_key_and_one_without_are_two(queue, first_keyless):
    clients = [Client("account-one"), ONE] if first_keyless else [ONE, Client("account-one")]
    for client in clients:
        assert not seen(queue)
        writing.add(queue.pk, [request("a")], client=client)
    assert seen(queue)
