"""The places of a worker: how many there are, and whose the extra ones are."""

from resources.worker.places import Places


def test_there_are_no_more_than_that():
    places = Places(2, 10)
    places.take("a")
    assert places.is_free()
    places.take("b")
    assert not places.is_free()
    places.leave("a")
    assert places.is_free()


def test_each_job_has_one_extra_place_for_what_it_starts():
    places = Places(2, 10)
    places.take("a")
    places.take("b")
    assert places.parents() == {"a", "b"}
    places.take("child of a", "a")
    assert places.parents() == {"b", "child of a"}
    assert not places.is_free()
    places.leave("child of a")
    assert places.parents() == {"a", "b"}


def test_there_are_so_many_with_the_extra_ones_and_no_more():
    places = Places(1, 3)
    places.take("a")
    places.take("b", "a")
    assert places.parents() == {"b"}
    places.take("c", "b")
    assert places.parents() == set()
    assert places.count() == 3


def test_what_a_job_has_started_goes_on_in_its_place():
    places = Places(1, 10)
    places.take("a")
    places.take("child of a", "a")
    places.take("child of child", "child of a")
    places.leave("a")
    assert not places.is_free()
    places.leave("child of a")
    assert not places.is_free()
    assert places.parents() == {"child of child"}
    places.leave("child of child")
    assert places.is_free()
    assert places.count() == 0


def test_the_most_are_never_fewer_than_the_plain_ones():
    places = Places(3, 1)
    for job in ("a", "b", "c"):
        assert places.is_free()
        places.take(job)
    assert places.parents() == set()
