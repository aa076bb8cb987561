"""Lists and their totals: whatever they are narrowed to, they say what the decision says, page by page."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from resources.jobs import JobStatus
from resources.kinds import STORAGES, Kind
from resources.models import Dataset, Resource, Run
from sharing.access import Reason
from sharing.lists import Ownership, count_listed, listed
from tests.test_access_laws import LISTED_FOR, PEOPLE, few_worlds, person, worlds
from tests.worlds import World, build

KINDS = (
    None,
    [Kind.RUN],
    [Kind.DATASET],
    list(STORAGES),
    [Kind.BUILD],
    [Kind.RUN, Kind.DATASET],
    [Kind.ACTOR, Kind.TASK],
)
# As if every page were a deep one, and as if every Actor with one run that is shared had a crowd of users.
LIMITS = st.fixed_dictionaries({"DEEP": st.sampled_from([0, 5_000]), "CROWD": st.sampled_from([1, 1_000])})


@contextmanager
def limits(values: dict[str, int]) -> Iterator[None]:
    with patch("sharing.lists.DEEP", values["DEEP"]), patch("sharing.lists.CROWD", values["CROWD"]):
        yield


@st.composite
def filters(draw: st.DrawFn, world: World) -> dict[str, Any]:
    """Return filters that are likely to leave something, and to leave something out."""
    some = st.sampled_from(list(world.resources.values()))
    moment = st.none() | some.map(lambda resource: resource.created_at)
    of = {
        kind: st.sampled_from([r.pk for r in world.resources.values() if r.kind == kind]) for kind in ("actor", "task")
    }
    return {
        "ownership": draw(st.sampled_from(Ownership)),
        "kinds": draw(st.sampled_from(KINDS)),
        "named_only": draw(st.sampled_from([False, False, True])),
        "search": draw(st.sampled_from(["", "", "", "RIC", "nothing"]) | some.map(lambda resource: resource.pk)),
        "actor_id": draw(st.just("") | of["actor"]),
        "task_id": draw(st.just("") | st.just("") | of["task"]),
        "statuses": draw(st.lists(st.sampled_from([JobStatus.READY, JobStatus.FAILED]), max_size=2, unique=True)),
        "since": draw(moment),
        "until": draw(moment),
    }


def decided(world: World, who: str) -> dict[str, Reason]:
    """Return what the account may read by a rule that lists it, by the name in the description."""
    decisions = {name: world.decide(who, name, "READ") for name in world.resources}
    return {name: it.reason for name, it in decisions.items() if it.allowed and it.reason in LISTED_FOR}


def is_left(resource: Resource, reason: Reason, status: str | None, wanted: dict[str, Any]) -> bool:
    """Tell whether the filters leave a resource in the list, from what their description says."""
    return (
        wanted["ownership"] in (Ownership.BOTH, Ownership.MINE if reason is Reason.OWNER else Ownership.SHARED)
        and (wanted["kinds"] is None or resource.kind in wanted["kinds"])
        and not (wanted["named_only"] and resource.name is None)
        and (wanted["search"].lower() in (resource.name or "").lower() or wanted["search"] in ("", resource.pk))
        and wanted["actor_id"] in ("", resource.actor_id)
        and wanted["task_id"] in ("", resource.task_id)
        and (not wanted["statuses"] or status in wanted["statuses"])
        and (wanted["since"] is None or resource.created_at >= wanted["since"])
        and (wanted["until"] is None or resource.created_at <= wanted["until"])
    )


class Filters(TestCase):
    """Laws of lists that are narrowed to something."""

    @few_worlds
    @given(worlds(runs=4), LIMITS, st.data())
    def test_pages_and_totals_are_what_the_decision_and_the_filters_leave(self, description, values, data):
        world = build(description)
        failed = data.draw(st.sets(st.sampled_from(["run0", "run1", "run2", "run3"])))
        Run.objects.filter(pk__in=[world.resources[name].pk for name in failed]).update(status=JobStatus.FAILED)
        statuses = dict(Run.objects.values_list("pk", "status"))
        for who in PEOPLE:
            may = decided(world, who)
            for _ in range(3):
                wanted, newest_first = data.draw(filters(world)), data.draw(st.booleans())
                left = [
                    (world.resources[name].created_at, world.resources[name].pk, reason)
                    for name, reason in may.items()
                    if is_left(world.resources[name], reason, statuses.get(world.resources[name].pk), wanted)
                ]
                left.sort(reverse=newest_first)
                me = world.accounts[who].pk
                with limits(values):
                    found = [
                        listed(me, **wanted, offset=offset, limit=2, newest_first=newest_first)
                        for offset in range(0, len(left) + 2, 2)
                    ]
                    assert count_listed(me, **wanted) == len(left)
                assert [(row.created_at, row.id, row.reason) for page in found for row in page] == left
                assert all(len(page) == 2 for page in found[: len(left) // 2])

    @few_worlds
    @given(worlds(runs=4), person, st.integers(1, 6), st.data())
    def test_a_total_that_stops_is_exact_below_and_never_below_where_it_may_stop(self, description, who, most, data):
        world = build(description)
        wanted, me = data.draw(filters(world)), world.accounts[who].pk
        exact, stopped = count_listed(me, **wanted), count_listed(me, **wanted, at_most=most)
        assert stopped == exact if exact < most else stopped >= most


@pytest.mark.django_db
def test_the_newest_of_each_owner_are_found_whoever_ran_last(ada, ben, cleo, dan, make_resource):
    """A page takes as much of each pair as it could need, and pairs as many as it has rows."""
    actor = make_resource(Kind.ACTOR, dan, name="finder", is_public=True)
    now, made = timezone.now(), []
    for number in range(12):
        owner = (ada, ada, ben, cleo)[number % 4]
        made.append(make_resource(Kind.RUN, owner, actor=actor, created_at=now + timedelta(seconds=number)))
    for owner in (ada, cleo):
        owner.share_runs_with_actor_creators = True
        owner.save()
    shared = [run.pk for run in made if run.owner_id != ben.pk]
    for limit in (1, 2, 5, 20):
        assert [row.id for row in listed(dan.pk, limit=limit, kinds=[Kind.RUN])] == shared[::-1][:limit]
        oldest = listed(dan.pk, limit=limit, kinds=[Kind.RUN], newest_first=False)
        assert [row.id for row in oldest] == shared[:limit]
    assert count_listed(dan.pk, kinds=[Kind.RUN]) == len(shared)


@pytest.mark.django_db
def test_a_deep_page_is_the_one_that_counting_rows_would_give(ada, ben, give, django_assert_max_num_queries):
    now = timezone.now()
    own = [Dataset(owner=ada, created_at=now + timedelta(seconds=number)) for number in range(60)]
    others = [
        Dataset(owner=ben, created_at=now + timedelta(seconds=10 * number, milliseconds=500)) for number in range(5)
    ]
    for each in (*own, *others):
        each.save(force_insert=True)
    for each in others:
        give(each, ada)
    everything = [row.id for row in listed(ada.pk, limit=100)]
    assert len(everything) == 65
    with patch("sharing.lists.DEEP", 7):
        for offset in range(0, 80, 3):
            with django_assert_max_num_queries(2 if offset < 7 else 4):
                page = listed(ada.pk, kinds=[Kind.DATASET], offset=offset, limit=10)
            assert [row.id for row in page] == everything[offset : offset + 10]
