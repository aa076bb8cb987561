"""The Python client, unchanged, with tasks, schedules, webhooks and what an account uses."""

from datetime import timedelta

import pytest
from apify_client.errors import ApifyApiError

from resources.kinds import Kind
from resources.models import ScheduleInvocation


@pytest.fixture
def actor(cast, make_resource):
    return make_resource(Kind.ACTOR, cast["ada"], name="finder")


@pytest.fixture
def mine(cast, client_of):
    return client_of(cast["ada"])


@pytest.fixture
def hers(cast, client_of):
    return client_of(cast["cleo"])


def test_tasks(actor, mine, hers):
    made = mine.tasks().create(
        actor_id=actor.pk,
        name="prices",
        task_input={"shop": 1},
        build="latest",
        memory_mbytes=256,
        run_timeout=timedelta(minutes=5),
        title="Prices",
        actor_standby_build="latest",
    )
    assert (made.name, made.act_id, made.options.memory_mbytes, made.options.timeout_secs) == (
        "prices",
        actor.pk,
        256,
        300,
    )
    task = mine.task(made.id)
    assert task.get().title == "Prices"
    assert mine.task("ada~prices").get().id == made.id
    changed = task.update(name="costs", max_items=3)
    assert (changed.name, changed.options.max_items, changed.options.memory_mbytes) == ("costs", 3, 256)
    assert changed.actor_standby.build == "latest"
    assert task.get_input() == {"shop": 1}
    assert task.update_input(task_input={"all": True}) == {"shop": 1, "all": True}
    assert [each.name for each in mine.tasks().list(desc=True, limit=5).items] == ["costs"]
    assert [each.act_name for each in mine.tasks().iterate()] == ["finder"]
    assert task.webhooks().list().total == 0
    with pytest.raises(ApifyApiError) as refused:
        task.publish()
    assert refused.value.status_code == 400
    assert task.unpublish().is_public is False
    assert hers.task(made.id).get() is None
    task.delete()
    assert task.get() is None


def test_schedules(actor, mine, hers):
    actions = [
        {"type": "RUN_ACTOR", "actorId": actor.pk, "runInput": {"body": "{}", "contentType": "application/json"}}
    ]
    made = mine.schedules().create(
        cron_expression="@hourly",
        is_enabled=True,
        is_exclusive=False,
        name="hourly",
        timezone="Europe/Prague",
        actions=actions,
        notifications_email=False,
    )
    assert (made.cron_expression, made.timezone, made.actions[0].actor_id) == ("@hourly", "Europe/Prague", actor.pk)
    assert made.next_run_at is not None
    assert made.notifications.email is False
    schedule = mine.schedule(made.id)
    assert schedule.get().name == "hourly"
    off = schedule.update(is_enabled=False, title="Hourly")
    assert (off.is_enabled, off.next_run_at, off.title, len(off.actions)) == (False, None, "Hourly", 1)
    assert [each.id for each in mine.schedules().list().items] == [made.id]
    assert [each.actions[0].type for each in mine.schedules().iterate()] == ["RUN_ACTOR"]
    assert schedule.get_log() == []
    ScheduleInvocation.objects.create(schedule_id=made.id, message="Started.")
    assert [line.message for line in schedule.get_log()] == ["Started."]
    assert hers.schedule(made.id).get() is None
    schedule.delete()
    assert schedule.get() is None


def test_webhooks(actor, mine, hers):
    wanted = {
        "event_types": ["ACTOR.RUN.SUCCEEDED"],
        "request_url": "https://example.com/hook",
        "actor_id": actor.pk,
        "idempotency_key": "once",
        "payload_template": '{"resource": {{resource}}}',
    }
    made = mine.webhooks().create(**wanted)
    assert mine.webhooks().create(**wanted).id == made.id
    assert made.condition.actor_id == actor.pk
    webhook = mine.webhook(made.id)
    assert webhook.get().payload_template == wanted["payload_template"]
    changed = webhook.update(description="Mine", do_not_retry=True)
    assert (changed.description, changed.do_not_retry, changed.condition.actor_id) == ("Mine", True, actor.pk)
    assert [each.id for each in mine.webhooks().list().items] == [made.id]
    assert [each.id for each in mine.actor(actor.pk).webhooks().list().items] == [made.id]
    tried = webhook.test()
    assert (tried.event_type, tried.status, tried.webhook.condition.actor_id) == ("TEST", "ACTIVE", actor.pk)
    assert mine.webhook_dispatch(tried.id).get().id == tried.id
    assert [each.id for each in webhook.dispatches().list().items] == [tried.id]
    assert [each.id for each in mine.webhook_dispatches().list().items] == [tried.id]
    assert webhook.get().last_dispatch.status == "ACTIVE"
    assert hers.webhook(made.id).get() is None
    assert hers.webhook_dispatch(tried.id).get() is None
    with pytest.raises(ApifyApiError) as refused:
        mine.webhooks().create(**{**wanted, "request_url": "http://127.0.0.1/", "idempotency_key": "other"})
    assert (refused.value.status_code, refused.value.type) == (400, "invalid-value")
    webhook.delete()
    assert webhook.get() is None


def test_what_an_account_uses(actor, mine):
    limits = mine.user().limits()
    assert limits.current.actor_count == 1
    assert mine.user().monthly_usage().monthly_service_usage == {}
    mine.user().update_limits()
    with pytest.raises(ApifyApiError):
        mine.user().update_limits(max_monthly_usage_usd=5)
