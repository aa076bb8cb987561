"""The places of a worker: how many there are, and whose the extra ones are."""

import random

import pytest
from django.conf import settings

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


@pytest.mark.parametrize(("jobs", "most"), [(2, 16), (8, 16), (1, 1), (3, 4)])
@pytest.mark.parametrize("seed", range(20))
def test_whatever_comes_and_goes_there_are_never_more_than_the_most(jobs, most, seed):
    chance, places, held = random.Random(seed), Places(jobs, most), []
    for number in range(400):
        parents = sorted(places.parents())
        if held and chance.random() < 0.3:
            places.leave(held.pop(chance.randrange(len(held))))
        elif parents and chance.random() < 0.7:
            places.take(f"{number}", chance.choice(parents))
            held.append(f"{number}")
        elif places.is_free():
            places.take(f"{number}")
            held.append(f"{number}")
        elif places.find_guests() is not None:
            places.take(f"{number}", is_extra=True)
            held.append(f"{number}")
        assert places.count() == len(held) <= most


def test_another_account_has_an_extra_place_while_the_plain_ones_are_held_by_chains():
    places = Places(1, 4)
    places.take("a", owner_id="ada")
    assert places.find_guests() is None
    places.take("child of a", "a", owner_id="ada")
    assert places.find_guests() == {"ada"}
    places.take("b", owner_id="ben", is_extra=True)
    assert places.find_guests() is None  # as many as there are plain ones
    places.leave("b")
    assert places.find_guests() == {"ada"}


def test_a_guest_is_let_in_only_where_all_chains_can_then_be_as_deep_as_is_allowed():
    places = Places(2, 16, deepest=4)
    places.take("a", owner_id="ada")
    places.take("child of a", "a", owner_id="ada")
    assert places.find_guests() == {"ada"}  # 2 + 1 chains, 12 places
    places.take("b", owner_id="ben", is_extra=True)
    assert places.find_guests() is None  # with one more these could need 16 places, one of which is kept
    places.leave("b")
    assert places.find_guests() == {"ada"}


@pytest.mark.parametrize(
    ("jobs", "most", "deepest"), [(2, 16, 4), (2, 16, 5), (1, 16, 7), (2, 32, 7), (8, 128, 7), (3, 9, 2)]
)
@pytest.mark.parametrize("seed", range(10))
def test_no_chain_lacks_a_place_until_it_is_as_deep_as_is_allowed(jobs, most, deepest, seed):
    chance, places = random.Random(seed), Places(jobs, most, deepest=deepest)
    chains: list[list[str]] = []
    for number in range(600):
        growing = [chain for chain in chains if len(chain) < deepest]
        assert places.parents() >= {chain[-1] for chain in growing}
        if chains and chance.random() < 0.2:
            chain = chance.choice(chains)
            places.leave(chain.pop())
            chains = [each for each in chains if each]
        elif places.is_free() or places.find_guests() is not None:
            places.take(f"{number}", is_extra=not places.is_free())
            chains.append([f"{number}"])
        elif growing:
            chain = chance.choice(growing)
            places.take(f"{number}", chain[-1])
            chain.append(f"{number}")


def test_as_many_guests_as_plain_ones_have_places_by_default():
    jobs, most, deepest = settings.WORKER_JOBS, settings.WORKER_JOBS_NESTED, settings.RUN_MAX_DEPTH
    places = Places(jobs, most, deepest=deepest)
    for number in range(jobs):
        places.take(f"{number}")
    places.take("child", "0")
    for number in range(jobs):
        assert places.find_guests() is not None
        places.take(f"guest {number}", is_extra=True)


def test_one_of_many_extra_places_is_for_other_accounts():
    places = Places(2, 16)
    places.take("0", owner_id="ada")
    for number in range(13):
        assert places.parents() == {str(number)}
        places.take(str(number + 1), str(number), owner_id="ada")
    assert places.parents() == set()
    places.take("plain", owner_id="ada")
    assert places.find_guests() == {"ada"}


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
