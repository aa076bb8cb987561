"""The migration that approves the Actors of other accounts that run already, and tells the accounts once."""

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.deployment import upgrade_notices
from accounts.models import Account
from resources.models import ActorApproval

pytestmark = pytest.mark.django_db(transaction=True)
BEFORE = "0033_alias_of_storages"


def make_before(apps) -> tuple[dict[str, str], dict[str, str]]:
    """Make Actors that run in other accounts in each way; return the IDs of the accounts and the Actors."""
    model = apps.get_model
    accounts = {
        name: model("accounts", "Account").objects.create(username=name, email=f"{name}@example.com")
        for name in ("ada", "ben", "dan")
    }
    dan, ada, ben = accounts["dan"], accounts["ada"], accounts["ben"]
    names = ("lately", "long-ago", "turned", "of-task", "scheduled", "of-scheduled-task", "deleted", "unused")
    actors = {name: model("resources", "Actor").objects.create(owner=dan, kind="actor", name=name) for name in names}
    own = model("resources", "Actor").objects.create(owner=ada, kind="actor", name="own")
    resource = model("resources", "Resource")

    def run(owner, actor, days: int, **fields) -> None:
        at = timezone.now() - timedelta(days=days)
        actor_row = resource.objects.get(pk=actor.pk)
        model("resources", "Run").objects.create(owner=owner, kind="run", actor=actor_row, created_at=at, **fields)

    run(ada, actors["lately"], 89)
    run(ada, actors["lately"], 1)
    run(dan, actors["lately"], 1)
    run(ada, actors["long-ago"], 91)
    run(ada, own, 1, metamorphs=[{"actorId": actors["turned"].pk, "buildId": "", "inputKey": None}])
    run(ada, actors["deleted"], 1)

    def task(owner, actor, name: str):
        return model("resources", "Task").objects.create(
            owner=owner, kind="task", name=name, actor=resource.objects.get(pk=actor.pk)
        )

    task(ada, actors["of-task"], "mine")
    bens = task(ben, actors["of-scheduled-task"], "bens")
    actions = [
        {"type": "RUN_ACTOR", "id": "a", "actorId": actors["scheduled"].pk},
        {"type": "RUN_ACTOR_TASK", "id": "b", "actorTaskId": bens.pk},
        {"type": "RUN_ACTOR_TASK", "id": "c", "actorTaskId": "gone"},
    ]
    model("resources", "Schedule").objects.create(owner=ada, kind="schedule", name="s", actions=json.dumps(actions))
    ids = {name: actor.pk for name, actor in actors.items()}
    model("resources", "Actor").objects.get(pk=ids["deleted"]).delete()
    return {name: account.pk for name, account in accounts.items()}, ids


def test_what_runs_already_is_approved_and_told(migrate):
    accounts, actors = make_before(migrate("resources", BEFORE))
    migrate("resources", "")
    approved = {(each.account_id, each.actor_id) for each in ActorApproval.objects.all()}
    of_ada = {"lately", "turned", "of-task", "scheduled", "of-scheduled-task"}
    expected = {(accounts["ada"], actors[name]) for name in of_ada}
    assert approved == expected | {(accounts["ben"], actors["of-scheduled-task"])}
    assert set(ActorApproval.objects.values_list("how", "person_id")) == {("MIGRATION", "")}
    notices = {id_: upgrade_notices.unseen(id_) for id_ in accounts.values()}
    assert {name: len(notices[id_]) for name, id_ in accounts.items()} == {"ada": 1, "ben": 1, "dan": 0}
    assert "dan/lately, dan/of-scheduled-task" in upgrade_notices.text(notices[accounts["ada"]][0])


def test_accounts_that_exist_keep_full_permissions_for_new_actors(migrate):
    apps = migrate("accounts", "0018_tokens_that_are_edited")
    apps.get_model("accounts", "Account").objects.create(username="ada", email="ada@example.com")
    migrate("accounts", "")
    ada = Account.objects.get()
    assert (ada.limits_new_actors, ada.skips_actor_approvals) == (False, False)
