"""Which webhooks are sent for what happens to runs and builds, and above all which are not."""

import json

import pytest
from django.db import transaction

from resources.kinds import Kind
from resources.models import Webhook, WebhookDispatch
from resources.webhooks import events
from tests.support.factories import make_webhook


@pytest.fixture
def actor(dan, make_resource):
    """Dan's public Actor, which everybody runs."""
    return make_resource(Kind.ACTOR, dan, name="finder", is_public=True)


@pytest.fixture
def task(ada, actor, make_resource):
    return make_resource(Kind.TASK, ada, name="prices", actor_id=actor.pk)


@pytest.fixture
def run(ada, actor, task, make_resource):
    """Ada's run of dan's Actor, by her task."""
    return make_resource(Kind.RUN, ada, actor_id=actor.pk, task_id=task.pk)


@pytest.fixture
def build(dan, actor, make_resource):
    return make_resource(Kind.BUILD, dan, actor_id=actor.pk)


def sent() -> list[tuple[str, str]]:
    return list(WebhookDispatch.objects.order_by("pk").values_list("webhook_id", "event_type"))


# Who does not hear of it


def test_the_developer_of_an_actor_does_not_hear_of_the_runs_of_others(actor, run, dan):
    dan_hook = make_webhook(dan, actor=actor)
    run.owner.share_runs_with_actor_creators = True
    run.owner.save()
    events.emit_event(run, events.RUN_SUCCEEDED)
    assert sent() == []
    assert Webhook.objects.get(pk=dan_hook.pk).dispatch_count == 0


def test_a_user_of_an_actor_does_not_hear_of_the_runs_and_builds_of_its_developer(
    actor, dan, ada, build, give, make_resource
):
    give(actor, ada, "READ", "VIEW_OWNER_RUNS")
    make_webhook(ada, events.RUN_SUCCEEDED, events.BUILD_SUCCEEDED, actor=actor)
    events.emit_event(make_resource(Kind.RUN, dan, actor_id=actor.pk), events.RUN_SUCCEEDED)
    events.emit_event(build, events.BUILD_SUCCEEDED)
    assert sent() == []


def test_a_webhook_on_somebody_elses_run_or_task_hears_nothing(run, task, cleo, give):
    give(run, cleo, "WRITE", "MANAGE_ACCESS_RIGHTS")
    give(task, cleo, "WRITE", "VIEW_OWNER_RUNS")
    make_webhook(cleo, run=run)
    make_webhook(cleo, task=task)
    events.emit_event(run, events.RUN_SUCCEEDED)
    assert sent() == []


def test_other_events_other_actors_and_other_runs(actor, run, ada, make_resource):
    other = make_resource(Kind.ACTOR, ada)
    make_webhook(ada, events.RUN_FAILED, actor=actor)
    make_webhook(ada, actor=other)
    make_webhook(ada, run=make_resource(Kind.RUN, ada, actor_id=actor.pk))
    events.emit_event(run, events.RUN_SUCCEEDED)
    assert sent() == []


def test_a_run_of_no_actor_and_no_task_matches_no_condition_that_is_empty(ada, make_resource, actor):
    make_webhook(ada, run=make_resource(Kind.RUN, ada))
    make_webhook(ada, actor=actor)
    events.emit_event(make_resource(Kind.RUN, ada), events.RUN_SUCCEEDED)
    assert sent() == []


def test_what_is_no_event(run):
    with pytest.raises(ValueError, match="no event"):
        events.emit_event(run, "ACTOR.RUN.EXPLODED")


@pytest.mark.django_db(transaction=True)
def test_what_is_in_no_transaction(run):
    with pytest.raises(transaction.TransactionManagementError):
        events.emit_event(run, events.RUN_SUCCEEDED)


# Who does


def test_ones_own_run_by_its_actor_its_task_and_itself(actor, task, run, ada):
    wanted = [make_webhook(ada, actor=actor), make_webhook(ada, task=task), make_webhook(ada, run=run)]
    events.emit_event(run, events.RUN_SUCCEEDED)
    assert sorted(sent()) == sorted((each.pk, events.RUN_SUCCEEDED) for each in wanted)
    one = WebhookDispatch.objects.get(webhook=wanted[0])
    assert json.loads(one.event_data) == {"actorId": actor.pk, "actorTaskId": task.pk, "actorRunId": run.pk}
    assert (one.owner_id, one.status, one.calls) == (ada.pk, "ACTIVE", "[]")
    assert set(Webhook.objects.values_list("dispatch_count", flat=True)) == {1}


def test_ones_own_build(actor, build, dan):
    make_webhook(dan, events.BUILD_FAILED, actor=actor)
    events.emit_event(build, events.BUILD_FAILED)
    assert json.loads(WebhookDispatch.objects.get().event_data) == {"actorId": actor.pk, "actorBuildId": build.pk}


def test_a_rolled_back_change_sends_nothing(actor, run, ada):
    make_webhook(ada, actor=actor)
    with transaction.atomic():
        events.emit_event(run, events.RUN_SUCCEEDED)
        transaction.set_rollback(True)
    assert sent() == []
    assert Webhook.objects.get().dispatch_count == 0


def test_the_queries_do_not_grow_with_the_webhooks(actor, run, ada, django_assert_max_num_queries):
    for _ in range(20):
        make_webhook(ada, actor=actor)
    with django_assert_max_num_queries(5):
        events.emit_event(run, events.RUN_SUCCEEDED)
    assert len(sent()) == 20
