"""The migration that encrypts what tasks and schedules have saved in plain text."""

import json

import pytest

from accounts.deployment import upgrade_notices
from resources.models import Schedule, Task
from resources.secret_inputs.fields import Holder
from tests.support.secret_stage import GIVEN, JSON, SCHEMA, shows_no_secret

pytestmark = pytest.mark.django_db(transaction=True)

BEFORE, AFTER, LATEST = "0015_lists_of_what_has_a_name", "0017_encrypt_saved_input_secrets", ""


def make_saved(apps) -> None:
    """Make a task and a schedule with secrets, a task whose input is no object, and one of an Actor without secrets."""
    model = apps.get_model
    ada, ben = (
        model("accounts", "Account").objects.create(username=name, email=f"{name}@example.com")
        for name in ("ada", "ben")
    )
    shop, plain = (
        model("resources", "Actor").objects.create(owner=ada, kind="actor", name=name) for name in ("shop", "plain")
    )
    build = model("resources", "Build").objects.create(
        owner=ada, kind="build", actor_id=shop.pk, number="0.1.1", status="SUCCEEDED"
    )
    model("resources", "TaggedBuild").objects.create(actor=shop, tag="latest", build=build)
    model("resources", "BuildContent").objects.create(build=build, input_schema=json.dumps(SCHEMA))
    model("resources", "Run").objects.create(owner=ada, kind="run", actor_id=shop.pk, build=build)
    text = json.dumps(GIVEN)
    task = model("resources", "Task").objects.create
    mine = task(owner=ada, kind="task", name="mine", actor_id=shop.pk, input=text)
    task(owner=ada, kind="task", name="list", actor_id=shop.pk, input=f"[{text}]")
    task(owner=ada, kind="task", name="plain", actor_id=plain.pk, input=text)
    actions = [
        {"type": "RUN_ACTOR", "id": "a", "actorId": shop.pk, "runInput": {"body": text, "contentType": JSON}},
        {"type": "RUN_ACTOR_TASK", "id": "b", "actorTaskId": mine.pk, "input": GIVEN},
    ]
    model("resources", "Schedule").objects.create(owner=ben, kind="schedule", name="s", actions=json.dumps(actions))


def test_what_tasks_and_schedules_have_saved_is_encrypted_for_their_owners(migrate, capsys):
    make_saved(migrate("resources", BEFORE))
    migrate("resources", AFTER)
    migrate("resources", LATEST)
    tasks = {task.name: task for task in Task.objects.all()}
    assert shows_no_secret(tasks["mine"].input)
    fields = json.loads(tasks["mine"].input)
    holder = Holder(tasks["mine"].owner_id, tasks["mine"].actor_id)
    assert {name: holder.open(name, fields[name])[0] for name in ("password", "cookies")}.items() <= GIVEN.items()
    assert json.loads(tasks["list"].input) == [GIVEN]
    assert json.loads(tasks["plain"].input) == GIVEN
    schedule = Schedule.objects.get()
    assert shows_no_secret(schedule.actions)
    of_ben = json.loads(json.loads(schedule.actions)[0]["runInput"]["body"])
    assert Holder(schedule.owner_id, holder.actor_id).open("password", of_ben["password"])[0] == GIVEN["password"]
    for account_id in (holder.account_id, schedule.owner_id):
        keys = {each.key for each in upgrade_notices.unseen(account_id)}
        assert keys - {"actors-approved-by-migration"} == {"saved-secret-inputs"}
    assert ["manage.py encrypt_input_secrets" in upgrade_notices.text(each) for each in upgrade_notices.unseen("")] == [
        True
    ]
    said = capsys.readouterr().out
    assert "the secret input fields of 1 tasks and 1 schedules" in said
    assert "1 others could not be encrypted" in said
