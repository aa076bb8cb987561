"""Large bodies: clients take turns at the threads that read them, and what is kept of them has bounds."""

from concurrent.futures import Future
from types import SimpleNamespace

import pytest

from console.server.body_places import BodyPlaces, Memory
from console.server.gunicorn_worker import Worker


def take_all(places):
    taken = []
    while (item := places.take()) is not None:
        taken.append(item)
    return taken


@pytest.fixture
def places():
    return BodyPlaces(8)


def test_one_client_never_has_all_places(places):
    for number in range(60):
        places.add("a", number)
    assert take_all(places) == [0, 1, 2, 3, 4, 5]
    assert places.is_wanted()
    places.add("b", "first of b")
    assert take_all(places) == ["first of b"]


def test_places_that_become_free_go_to_the_client_that_has_the_fewest(places):
    for number in range(60):
        places.add("a", f"a{number}")
    take_all(places)
    for client in "bcde":
        for number in range(3):
            places.add(client, f"{client}{number}")
    assert take_all(places) == ["b0", "c0"]
    places.leave("a")
    assert take_all(places) == ["d0"]
    places.leave("d")
    assert take_all(places) == ["e0"]
    places.leave("a")
    assert take_all(places) == ["d1"]


def test_clients_with_equally_many_take_turns():
    places = BodyPlaces(1)
    for item in ("a0", "a1", "b0", "b1"):
        places.add(item[0], item)
    order = []
    for _ in range(4):
        (item,) = take_all(places)
        order.append(item)
        places.leave(item[0])
    assert order == ["a0", "b0", "a1", "b1"]
    assert not places.is_wanted()


def test_what_does_not_wait_any_more_gets_no_place(places):
    places.add("a", 1)
    places.add("b", 2)
    places.remove("a", 1)
    assert list(places) == [2]
    assert take_all(places) == [2]


def test_a_client_has_a_share_of_the_memory():
    memory = Memory(10, 4)
    assert [memory.take("a", 3), memory.take("a", 2), memory.take("a", 1)] == [True, False, True]
    assert [memory.take("b", 4), memory.take("c", 3), memory.take("c", 2)] == [True, False, True]
    memory.give_back("a", 4)
    assert [memory.take("c", 2), memory.take("c", 1), memory.take("d", 2)] == [True, False, True]


def test_a_connection_that_is_kept_is_counted_by_the_client_of_each_request():
    """A proxy sends requests of many clients by one connection."""
    worker = Worker.__new__(Worker)
    worker._large, worker._end = BodyPlaces(2), lambda conn: None
    worker.cfg = SimpleNamespace(is_ssl=False)
    done: Future[bool] = Future()
    done.set_result(False)
    for client in ("192.0.2.1", "192.0.2.2"):
        conn = SimpleNamespace(holds_place=True, counted_by=client)
        worker._large.add(client, conn)
        assert worker._large.take() is conn
        worker.finish_request(conn, done)
        assert (conn.holds_place, conn.counted_by) == (False, "")
