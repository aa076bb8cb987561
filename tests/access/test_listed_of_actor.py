"""Lists of what belongs to one Actor or task: they leave out, and never let in."""

import pytest

from resources.jobs.status import JobStatus
from resources.kinds import Kind
from sharing.lists import Ownership, count_listed, listed

pytestmark = pytest.mark.django_db


def ids(account, **filters):
    found = [each.id for each in listed(account.principal, kinds=(Kind.RUN,), **filters)]
    assert count_listed(account.principal, kinds=(Kind.RUN,), **filters) == len(found)
    return set(found)


def test_runs_of_others_are_not_let_in_by_naming_their_actor(ada, ben, cleo, make_resource):
    actor = make_resource(Kind.ACTOR, ada, name="crawler", is_public=True)
    make_resource(Kind.RUN, ben, actor=actor)
    for account in (ada, cleo):
        assert ids(account, actor_id=actor.pk) == set()


def test_what_belongs_to_it_is_found_by_every_rule_that_lists_it(ada, ben, dan, make_resource, give):
    ben.share_runs_with_actor_creators = True
    ben.save()
    actor = make_resource(Kind.ACTOR, dan, name="finder", is_public=True)
    other = make_resource(Kind.ACTOR, dan, name="other", is_public=True)
    task = make_resource(Kind.TASK, ben, actor=actor)
    of_ben = make_resource(Kind.RUN, ben, actor=actor, task=task)
    of_dan = make_resource(Kind.RUN, dan, actor=actor)
    elsewhere = make_resource(Kind.RUN, ben, actor=other)
    give(elsewhere, ada)
    give(of_dan, ada)
    assert ids(ben, actor_id=actor.pk) == {of_ben.pk}
    assert ids(ben, task_id=task.pk) == {of_ben.pk}
    assert ids(dan, actor_id=actor.pk) == {of_ben.pk, of_dan.pk}
    assert ids(dan, actor_id=actor.pk, ownership=Ownership.SHARED) == {of_ben.pk}
    assert ids(ada, actor_id=actor.pk) == {of_dan.pk}
    assert ids(ada) == {of_dan.pk, elsewhere.pk}
    assert ids(ada, task_id=task.pk) == set()


def test_runs_by_status_are_still_only_those_that_are_listed_anyway(ada, ben, make_resource, give):
    made = {
        status: [make_resource(Kind.RUN, owner, status=status) for owner in (ada, ben)]
        for status in (JobStatus.FAILED, JobStatus.TIMED_OUT, JobStatus.RUNNING)
    }
    give(made[JobStatus.FAILED][1], ada)
    mine = {status: runs[0].pk for status, runs in made.items()}
    shared = made[JobStatus.FAILED][1].pk

    assert ids(ada, statuses=[JobStatus.FAILED]) == {mine[JobStatus.FAILED], shared}
    assert ids(ada, statuses=[JobStatus.TIMED_OUT, JobStatus.RUNNING]) == {
        mine[JobStatus.TIMED_OUT],
        mine[JobStatus.RUNNING],
    }
    assert ids(ada, statuses=[JobStatus.FAILED], ownership=Ownership.SHARED) == {shared}
    assert ids(ada, statuses=[JobStatus.ABORTED]) == set()
    assert ids(ada, statuses=[]) == {*mine.values(), shared}
