"""Pages of requests: in the order of their ids, by state, and never more than memory should hold."""

from datetime import timedelta

import pytest

from accounts.lib.timestamps import from_milliseconds, milliseconds
from resources.kinds import Kind
from resources.request_queues import clock, head, reading, writing
from resources.request_queues.reading import State
from tests.support.queue_stage import NOON, ONE, SetClock, paths, request

pytestmark = pytest.mark.django_db


@pytest.fixture
def queue(ada, make_resource):
    return make_resource(Kind.REQUEST_QUEUE, ada)


def whole(queue, limit, **options):
    """Return all requests by going through the pages, and how many pages there were."""
    found, pages, after = [], 0, ""
    while after is not None:
        page = reading.page(queue.pk, limit, after=after, **options)
        found, pages, after = found + page.requests, pages + 1, page.next_after
    return found, pages


def test_an_empty_queue_has_one_empty_page(queue):
    page = reading.page(queue.pk, 10)
    assert (page.requests, page.next_after) == ([], None)


@pytest.mark.parametrize(("limit", "pages"), [(1, 10), (3, 4), (5, 2), (9, 2), (10, 1), (11, 1)])
def test_pages_have_every_request_once(queue, limit, pages):
    added = [request(str(at)) for at in range(10)]
    writing.add(queue.pk, added, client=ONE)
    found, count = whole(queue, limit)
    assert sorted(paths(found)) == sorted(paths(added))
    assert count == pages


def test_what_is_deleted_between_pages_spoils_nothing(queue):
    writing.add(queue.pk, [request(str(at)) for at in range(10)], client=ONE)
    first = reading.page(queue.pk, 4)
    writing.delete_many(queue.pk, [each.id for each in first.requests], client=ONE)
    rest = reading.page(queue.pk, 10, after=first.next_after)
    assert len(rest.requests) == 6


def test_large_requests_make_short_pages(queue):
    details = '{"payload":"' + "x" * 1000 + '"}'
    writing.add(queue.pk, [request(str(at), details=details) for at in range(7)], client=ONE)
    found, pages = whole(queue, 100, max_bytes=2500)
    assert (len(found), pages) == (7, 4)
    found, pages = whole(queue, 100, max_bytes=10)
    assert (len(found), pages) == (7, 7)


def test_states_are_told_apart_and_united(queue, monkeypatch):
    time = SetClock()
    monkeypatch.setattr(clock, "now", time)
    writing.add(queue.pk, [request(path) for path in "abcd"], client=ONE)
    handled = request("d", handled_at=milliseconds(NOON))
    writing.replace(queue.pk, handled.id, handled, client=ONE)
    head.lock_head(queue.pk, 1, timedelta(minutes=1), client=ONE)

    def found(*states):
        return sorted(paths(whole(queue, 1, states=set(states))[0]))

    assert found(State.LOCKED) == ["a"]
    assert found(State.PENDING) == ["b", "c"]
    assert found(State.LOCKED, State.PENDING) == ["a", "b", "c"]
    assert found() == ["a", "b", "c", "d"]
    time.move(minutes=1)
    assert found(State.LOCKED) == []
    assert found(State.PENDING) == ["a", "b", "c"]
    assert all(each.lock_expires_at is None for each in reading.page(queue.pk, 10).requests)


def test_a_request_comes_back_as_it_was(queue):
    details = '{"userData":{"NUL":"\\u0000","big":123456789012345678901234567890}}'
    writing.add(
        queue.pk,
        [request("é", method="POST", retry_count=3, handled_at=milliseconds(NOON), details=details)],
        client=ONE,
    )
    kept = reading.get(queue.pk, request("é").id)
    assert kept == reading.page(queue.pk, 1).requests[0]
    assert (kept.unique_key, kept.url, kept.method) == ("https://example.com/é", "https://example.com/é", "POST")
    assert (kept.retry_count, kept.handled_at, kept.details) == (3, milliseconds(NOON), details)
    assert from_milliseconds(kept.handled_at) == NOON
