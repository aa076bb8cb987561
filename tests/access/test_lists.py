"""Lists and their totals: whatever they are narrowed to, they say what the decision says, page by page."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import count
from typing import Any
from unittest.mock import patch

import pytest
from django.db import connection
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from resources.jobs.status import JobStatus
from resources.kinds import STORAGES, Kind
from resources.models import Dataset, Resource, Run
from resources.runs import run_counts
from sharing.access import Reason
from sharing.issues import issues
from sharing.lists import Listed, Ownership, count_listed, listed
from sharing.models import Issue
from tests.support.cast import PEOPLE
from tests.support.random_worlds import LISTED_FOR, few_worlds, person, worlds
from tests.support.worlds import World, build

KINDS = (
    None,
    [Kind.RUN],
    [Kind.DATASET],
    list(STORAGES),
    [Kind.BUILD],
    [Kind.RUN, Kind.DATASET],
    [Kind.ACTOR, Kind.TASK],
)
# As if every page were a deep one, and as if runs of every Actor were shared by many.
LIMITS = st.fixed_dictionaries({"DEEP": st.sampled_from([0, 5_000]), "MANY_OWNERS": st.sampled_from([1, 1_000])})


@contextmanager
def limits(values: dict[str, int]) -> Iterator[None]:
    with patch("sharing.lists.DEEP", values["DEEP"]), patch("sharing.lists.MANY_OWNERS", values["MANY_OWNERS"]):
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
                me = world.principal(who)
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
        wanted, me = data.draw(filters(world)), world.principal(who)
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
        assert [row.id for row in listed(dan.principal, limit=limit, kinds=[Kind.RUN])] == shared[::-1][:limit]
        oldest = listed(dan.principal, limit=limit, kinds=[Kind.RUN], newest_first=False)
        assert [row.id for row in oldest] == shared[:limit]
    assert count_listed(dan.principal, kinds=[Kind.RUN]) == len(shared)


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
    everything = [row.id for row in listed(ada.principal, limit=100)]
    assert len(everything) == 65
    with patch("sharing.lists.DEEP", 7):
        for offset in range(0, 80, 3):
            with django_assert_max_num_queries(2 if offset < 7 else 4):
                page = listed(ada.principal, kinds=[Kind.DATASET], offset=offset, limit=10)
            assert [row.id for row in page] == everything[offset : offset + 10]


@pytest.mark.django_db
def test_what_more_than_one_issue_shares_takes_up_the_room_of_one(ada, dan, give, make_resource):
    """A run may be attached to any number of issues, and be granted besides; it and its storages are listed once."""
    actor = make_resource(Kind.ACTOR, dan, name="finder")
    now, made = timezone.now(), []
    for number in range(3):
        run = make_resource(Kind.RUN, ada, actor=actor, created_at=now + timedelta(seconds=number))
        made.append(make_resource(Kind.DATASET, ada, run=run, created_at=run.created_at))
        for title in ("Prices missing", "Prices too high", "Too slow"):
            issue = Issue.objects.create(actor_id=actor.pk, author=ada, title=title)
            issues.attach_run(issue, Run.objects.get(pk=run.pk), by=ada.principal)
        give(run, dan)
    for kind, expected in ((Kind.RUN, [each.run_id for each in made]), (Kind.DATASET, [each.pk for each in made])):
        assert [row.id for row in listed(dan.principal, kinds=[kind], limit=2, newest_first=False)] == expected[:2]
        assert [row.id for row in listed(dan.principal, kinds=[kind], limit=2)] == expected[:0:-1]
        assert count_listed(dan.principal, kinds=[kind], at_most=4) == 3


def work_of(look: Callable[[], object]) -> int:
    """Return how much a database does for a statement: SQLite's steps, or the rows that PostgreSQL passes on."""
    run_counts.fold()  # as is done every minute
    look()  # what is prepared once is prepared now
    if connection.vendor == "sqlite":
        steps = count(1)
        connection.connection.set_progress_handler(lambda: next(steps) and None, 1)
        look()
        connection.connection.set_progress_handler(None, 1)
        return next(steps)
    asked: list[tuple[str, Any]] = []

    def keep(execute: Callable[..., Any], sql: str, parameters: Any, *rest: Any) -> Any:
        asked.append((sql, parameters))
        return execute(sql, parameters, *rest)

    with connection.execute_wrapper(keep):
        look()
    return sum(_rows(sql, parameters) for sql, parameters in asked)


def _rows(sql: str, parameters: Any) -> int:
    def passed_on(node: dict[str, Any]) -> int:
        return node["Actual Rows"] * node["Actual Loops"] + sum(passed_on(each) for each in node.get("Plans", ()))

    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
        cursor.execute("SET LOCAL enable_seqscan = off")  # which only so few rows are worth
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}", parameters)
        return passed_on(cursor.fetchone()[0][0]["Plan"])


@pytest.mark.django_db
def test_what_has_a_name_is_found_without_a_look_at_what_has_none(ada, make_resource):
    make_resource(Kind.DATASET, ada, name="prices")
    looks = [
        lambda: listed(ada.principal, kinds=[Kind.DATASET], named_only=True),
        lambda: listed(ada.principal, kinds=[Kind.DATASET], search="rice"),
        lambda: count_listed(ada.principal, kinds=[Kind.DATASET], named_only=True),
    ]
    before = [work_of(look) for look in looks]
    Resource.objects.bulk_create(Resource(kind=Kind.DATASET, owner=ada) for _ in range(2_000))
    assert [work_of(look) for look in looks] == pytest.approx(before, abs=200)


@pytest.mark.skipif(connection.vendor == "postgresql", reason="It sorts so few runs instead of walking their index.")
@pytest.mark.django_db
def test_runs_of_a_task_are_not_walked_for_an_actor_that_it_never_ran(ada, ben, give, make_resource):
    actors = [make_resource(Kind.ACTOR, ada, name=f"finder-{number}") for number in range(3)]
    task = make_resource(Kind.TASK, ada, name="nightly", actor=actors[0])
    for each in actors:
        give(each, ben, "READ", "VIEW_OWNER_RUNS")

    def run(times: int) -> None:
        for _ in range(times):
            make_resource(Kind.RUN, ada, actor=actors[0], task=task)

    def look() -> list[Listed]:
        return listed(ben.principal, kinds=[Kind.RUN], task_id=task.pk, limit=5)

    run(10)
    before = work_of(look)
    run(300)
    assert work_of(look) == pytest.approx(before, rel=0.5)
