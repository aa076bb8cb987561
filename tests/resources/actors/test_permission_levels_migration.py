"""The migration that clears permission levels which no run can have, and tells the owners."""

import json

import pytest

from accounts.deployment import upgrade_notices
from resources.models import Actor, Schedule, Task
from resources.runs import saved_options
from resources.runs.options import check_saved
from resources.schedules.actions import get_actions

pytestmark = pytest.mark.django_db(transaction=True)

BEFORE, AFTER, LATEST = "0022_encrypt_at_rest", "0023_permission_levels_that_exist", ""
FULL, LIMITED = "FULL_PERMISSIONS", "LIMITED_PERMISSIONS"
LARGE = 2**60 + 1


def make_saved(apps) -> dict[str, str]:
    """Make what has each level in each place, and return the IDs of the accounts."""
    model = apps.get_model
    accounts = {
        name: model("accounts", "Account").objects.create(username=name, email=f"{name}@example.com")
        for name in ("ada", "ben", "cleo")
    }
    ada, ben, cleo = accounts.values()
    actor, task = model("resources", "Actor").objects.create, model("resources", "Task").objects.create
    schedule = model("resources", "Schedule").objects.create
    for name, details in (
        ("limited", {"seoTitle": "Ü", "actorPermissionLevel": LIMITED}),
        ("forced", {"maxItems": 7, "forcePermissionLevel": LIMITED, "actorPermissionLevel": FULL}),
        ("odd", {"actorPermissionLevel": "anything"}),
        ("full", {"actorPermissionLevel": FULL, "forcePermissionLevel": None}),
        ("said", {"seoTitle": "actorPermissionLevel"}),
    ):
        actor(owner=ada, kind="actor", name=name, details=json.dumps(details))
    for name, level in (("limited", LIMITED), ("full", FULL)):
        saved = {"build": "latest", "forcePermissionLevel": level}
        task(owner=ada, kind="task", name=name, options=json.dumps(saved))
        action = {"type": "RUN_ACTOR", "id": "a", "actorId": "x" * 17, "runOptions": saved}
        other = {"type": "RUN_ACTOR_TASK", "id": "b", "actorTaskId": "y" * 17, "input": {"n": LARGE, "t": level}}
        owner = ben if level == LIMITED else cleo
        schedule(owner=owner, kind="schedule", name=name, actions=json.dumps([action, other]))
    return {name: account.pk for name, account in accounts.items()}


def test_levels_that_do_not_exist_are_cleared_and_nothing_else(migrate):
    make_saved(migrate("resources", BEFORE))
    migrate("resources", AFTER)
    migrate("resources", LATEST)
    assert {actor.name: json.loads(actor.details) for actor in Actor.objects.all()} == {
        "limited": {"seoTitle": "Ü"},
        "forced": {"maxItems": 7, "actorPermissionLevel": FULL},
        "odd": {},
        "full": {"actorPermissionLevel": FULL, "forcePermissionLevel": None},
        "said": {"seoTitle": "actorPermissionLevel"},
    }
    for name, kept in (("limited", None), ("full", FULL)):
        saved = saved_options.load_options(Task.objects.get(name=name).options)
        first, second = get_actions(Schedule.objects.get(name=name))
        assert (saved.build, saved.force_permission_level) == ("latest", kept)
        assert first.run_options == saved
        assert (first.actor_id, second.input["n"]) == ("x" * 17, LARGE)
        check_saved(saved)


def test_the_owners_and_the_administrator_are_told(migrate):
    accounts = make_saved(migrate("resources", BEFORE))
    migrate("resources", AFTER)
    texts = {name: [upgrade_notices.text(each) for each in upgrade_notices.unseen(pk)] for name, pk in accounts.items()}
    assert len(texts["ada"]) == len(texts["ben"]) == 1
    assert texts["ada"][0].endswith("Actors: limited, forced, odd; Tasks: limited.")
    assert texts["ben"][0].endswith("Schedules: limited.")
    assert texts["cleo"] == []
    (told,) = [each for each in upgrade_notices.unseen("") if each.key == "permission-levels-of-accounts"]
    assert "3 Actors, 1 tasks and 1 schedules of 2 accounts" in upgrade_notices.text(told)


def test_where_there_is_no_such_level_no_user_is_told(migrate):
    apps = migrate("resources", BEFORE)
    ada = apps.get_model("accounts", "Account").objects.create(username="ada", email="ada@example.com")
    apps.get_model("resources", "Task").objects.create(
        owner=ada, kind="task", name="full", options=json.dumps({"forcePermissionLevel": FULL})
    )
    migrate("resources", AFTER)
    assert upgrade_notices.unseen(ada.pk) == []
    assert not any(each.key.startswith("permission-levels") for each in upgrade_notices.unseen(""))
