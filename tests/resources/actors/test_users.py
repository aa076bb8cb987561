"""How many accounts use an Actor, and how many have of late."""

from datetime import UTC, datetime, timedelta

import pytest

from resources.actors.users import count_active_users, count_users
from resources.kinds import Kind
from resources.models import Resource

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 6, 1, tzinfo=UTC)


def test_an_account_counts_where_its_newest_run_is_not_older(ada, ben, cleo, make_resource):
    actor, other = (make_resource(Kind.ACTOR, ada, name=name) for name in ("counter", "other"))
    for owner, days in ((ada, 100), (ben, 80), (ben, 6), (cleo, 29)):
        run = make_resource(Kind.RUN, owner, actor_id=actor.pk)
        Resource.objects.filter(pk=run.pk).update(created_at=NOW - timedelta(days=days))
    Resource.objects.filter(pk=make_resource(Kind.RUN, ada, actor_id=other.pk).pk).update(created_at=NOW)
    assert count_active_users(actor, NOW) == {7: 1, 30: 2, 90: 2}
    assert count_active_users(other, NOW) == {7: 1, 30: 1, 90: 1}
    assert count_users([actor]) == {actor.pk: 3}


def test_an_actor_that_was_never_run(ada, make_resource):
    actor = make_resource(Kind.ACTOR, ada, name="counter")
    assert count_active_users(actor, NOW) == {7: 0, 30: 0, 90: 0}
