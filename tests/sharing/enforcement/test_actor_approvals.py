"""Approvals: no other account's full Actor starts without one, and withdrawing one is felt at once."""

import pytest
from django.conf import settings

from accounts import tokens
from accounts.models import Account, AuditEvent
from accounts.principal import Principal
from resources.kinds import Kind
from resources.models import Actor, ActorApproval, Run, Schedule, ScheduleInvocation
from resources.permission_levels import LIMITED
from resources.runs import approvals, starting
from resources.schedules import editing as schedules
from resources.schedules.actions import RunActor
from sharing.general_access import set_actor_permissions
from sharing.schedules.firing import fire_due
from tests.support.api import ApiClient, data_of, send
from tests.support.factories import built_actor
from tests.support.organizations import acting, join, make_organization
from tests.support.run_stage import at_work, client_of, ended

pytestmark = pytest.mark.django_db
TYPE = "full-permission-actor-not-approved"


@pytest.fixture
def ada(make_account) -> Account:
    return make_account("ada", skips_actor_approvals=False)


@pytest.fixture
def full(dan) -> Actor:
    return built_actor(dan, name="finder", is_public=True)


@pytest.fixture
def own(ada) -> Actor:
    return built_actor(ada)


def assert_not_approved(response, actor: Actor, account: Account) -> None:
    assert response.status_code == 403, response.content
    error = response.json()["error"]
    assert error["type"] == TYPE
    assert error["data"] == {"approvalUrl": f"{settings.PUBLIC_URL}/actors/{actor.pk}/approve?account={account.pk}"}


@pytest.mark.parametrize("path", ["runs", "run-sync", "run-sync-get-dataset-items"])
@pytest.mark.parametrize("by", ["Actor", "task"])
def test_the_api(api, ada, full, make_resource, path, by):
    task = make_resource(Kind.TASK, ada, name="daily", actor_id=full.pk)
    at = f"/v2/actors/{full.pk}" if by == "Actor" else f"/v2/actor-tasks/{task.pk}"
    assert_not_approved(send(api(ada), "post", f"{at}/{path}"), full, ada)
    assert not Run.objects.exists()


def test_what_needs_none(api, ada, dan, full, own):
    assert send(api(ada), "post", f"/v2/actors/{own.pk}/runs").status_code == 201
    assert send(api(dan), "post", f"/v2/actors/{full.pk}/runs").status_code == 201
    forced = send(api(ada), "post", f"/v2/actors/{full.pk}/runs?forcePermissionLevel=LIMITED_PERMISSIONS")
    assert Run.objects.get(pk=data_of(forced)["id"]).permission_level == LIMITED
    Account.objects.filter(pk=ada.pk).update(skips_actor_approvals=True)
    assert send(api(ada), "post", f"/v2/actors/{full.pk}/runs").status_code == 201


def test_an_approved_actor(api, ada, full):
    assert approvals.approve(full, by=ada.principal)
    assert not approvals.approve(full, by=ada.principal)
    assert send(api(ada), "post", f"/v2/actors/{full.pk}/runs").status_code == 201


def test_an_approval_is_of_one_account_and_one_actor(api, ada, dan, make_account, full):
    approvals.approve(full, by=ada.principal)
    erin = make_account("erin", skips_actor_approvals=False)
    other = built_actor(dan, name="other", is_public=True)
    assert_not_approved(send(api(erin), "post", f"/v2/actors/{full.pk}/runs"), full, erin)
    assert_not_approved(send(api(ada), "post", f"/v2/actors/{other.pk}/runs"), other, ada)


def test_a_run(ada, full, own):
    client = client_of(starting.start(own, by=ada.principal))
    assert_not_approved(send(client, "post", f"/v2/actors/{full.pk}/runs"), full, ada)


def test_a_metamorph(ada, full, own):
    run = starting.start(own, by=ada.principal)
    path = f"/v2/actor-runs/{run.pk}/metamorph?targetActorId={full.pk}"
    assert_not_approved(send(client_of(run), "post", path), full, ada)
    run.refresh_from_db()
    assert run.metamorphs == []
    approvals.approve(full, by=ada.principal)
    assert send(client_of(run), "post", path).status_code == 200


def test_a_resurrection(api, ada, full):
    approvals.approve(full, by=ada.principal)
    run = starting.start(full, by=ada.principal)
    ended(run)
    ActorApproval.objects.all().delete()
    assert_not_approved(send(api(ada), "post", f"/v2/actor-runs/{run.pk}/resurrect"), full, ada)
    forced = send(api(ada), "post", f"/v2/actor-runs/{run.pk}/resurrect?forcePermissionLevel=LIMITED_PERMISSIONS")
    assert forced.status_code == 200


def test_a_schedule_stops_until_the_actor_is_approved(ada, full):
    change = schedules.ScheduleChange(is_enabled=True, actions=[RunActor(actor_id=full.pk)])
    schedule = schedules.create(ada.pk, change, by=ada.principal)

    def fire() -> None:
        Schedule.objects.filter(pk=schedule.pk).update(next_at=schedule.created_at)
        assert fire_due() == 1

    fire()
    assert not Run.objects.exists()
    assert "the account has not approved it" in ScheduleInvocation.objects.get().message
    approvals.approve(full, by=ada.principal)
    fire()
    assert Run.objects.count() == 1


# Withdrawn


@pytest.fixture
def run(ada, full) -> Run:
    approvals.approve(full, by=ada.principal)
    return starting.start(full, by=ada.principal)


def test_withdrawing_limits_what_runs(api, ada, run, full, own):
    other, waiting = starting.start(own, by=ada.principal), starting.start(full, by=ada.principal)
    client = client_of(run)
    assert client.get("/v2/datasets").status_code == client_of(other).get("/v2/datasets").status_code == 200
    assert api(ada).delete(f"/v2/actor-approvals/{full.pk}").status_code == 204
    assert client.get("/v2/datasets").status_code == 403
    assert client_of(waiting).get("/v2/datasets").status_code == 403
    assert client_of(other).get("/v2/datasets").status_code == 200
    assert client.get(f"/v2/actor-runs/{run.pk}").status_code == 200
    assert_not_approved(send(api(ada), "post", f"/v2/actors/{full.pk}/runs"), full, ada)


def test_withdrawing_limits_what_a_run_has_turned_into(api, ada, run, full, own):
    run_of_own = starting.start(own, by=ada.principal)
    at_work(run_of_own, metamorphs=[{"actorId": full.pk, "buildId": "", "inputKey": None}])
    assert approvals.withdraw(full, by=ada.principal)
    levels = Run.objects.order_by("pk").values_list("permission_level", flat=True)
    assert list(levels) == [LIMITED, LIMITED]


def test_approving_again_does_not_raise_what_runs(ada, run, full):
    client = client_of(run)
    approvals.withdraw(full, by=ada.principal)
    approvals.approve(full, by=ada.principal)
    assert client.get("/v2/datasets").status_code == 403


def test_withdrawing_while_approvals_are_skipped_limits_nothing(ada, run, full):
    Account.objects.filter(pk=ada.pk).update(skips_actor_approvals=True)
    approvals.withdraw(full, by=ada.principal)
    assert client_of(run).get("/v2/datasets").status_code == 200


def test_skipping_approvals_no_more_limits_what_runs_unapproved(ada, dan, full, own):
    Account.objects.filter(pk=ada.pk).update(skips_actor_approvals=True)
    ada.refresh_from_db()
    approved = built_actor(dan, name="approved", is_public=True)
    approvals.approve(approved, by=ada.principal)
    clients = [client_of(starting.start(each, by=ada.principal)) for each in (full, approved, own)]
    turned = starting.start(own, by=ada.principal)
    at_work(turned, metamorphs=[{"actorId": full.pk, "buildId": "", "inputKey": None}])
    set_actor_permissions(ada, limits_new=ada.limits_new_actors, skips_approvals=True, by=ada.principal)
    assert [client.get("/v2/datasets").status_code for client in clients] == [200, 200, 200]
    assert set_actor_permissions(ada, limits_new=ada.limits_new_actors, skips_approvals=False, by=ada.principal)
    assert [client.get("/v2/datasets").status_code for client in clients] == [403, 200, 200]
    turned.refresh_from_db()
    assert turned.permission_level == LIMITED


# Over the API


def test_the_api_lists_and_withdraws(api, ada, ben, full):
    approvals.approve(full, by=ada.principal)
    listed = data_of(api(ada).get("/v2/actor-approvals"))
    assert listed["total"] == 1
    assert (
        listed["items"][0].items()
        >= {
            "actorId": full.pk,
            "actorName": "finder",
            "actorUsername": "dan",
            "approvedBy": "ada",
            "how": "CONSOLE",
        }.items()
    )
    assert data_of(api(ben).get("/v2/actor-approvals"))["items"] == []
    assert api(ben).delete(f"/v2/actor-approvals/{full.pk}").status_code == 404
    assert api(ada).delete(f"/v2/actor-approvals/{full.pk}").status_code == 204
    assert api(ada).delete(f"/v2/actor-approvals/{full.pk}").status_code == 404
    assert api(ada).delete("/v2/actor-approvals/nothing").status_code == 404
    actions = AuditEvent.objects.filter(account_id=ada.pk, action__startswith="actor.app").order_by("pk")
    assert list(actions.values_list("action", flat=True)) == ["actor.approved", "actor.approval_withdrawn"]


def test_the_api_gives_none(api, ada, full):
    for method in ("post", "put"):
        for path in ("/v2/actor-approvals", f"/v2/actor-approvals/{full.pk}"):
            assert send(api(ada), method, path, {"actorId": full.pk}).status_code in (404, 405)
    assert not ActorApproval.objects.exists()


def test_narrowed_principals_see_and_withdraw_none(api, ada, run, full, own):
    clients: list[ApiClient] = [
        client_of(run),
        client_of(starting.start(own, by=ada.principal, options=starting.RunOptions(force_permission_level=LIMITED))),
        api(ada, scope=[{"kind": "actor", "permissions": ["READ", "WRITE", "RUN"]}]),
    ]
    for client in clients:
        assert client.get("/v2/actor-approvals").status_code == 403
        assert client.delete(f"/v2/actor-approvals/{full.pk}").status_code == 403
    assert ActorApproval.objects.count() == 1


def test_members_without_its_management_see_and_withdraw_none(ada, ben, full):
    acme = make_organization(ada)
    approvals.approve(full, by=acting(ada, acme))
    text = tokens.create(acme, "ci", by=join(acme, ben, "Developer"), member_id=ben.pk)[1]
    client = ApiClient(text)
    for answer in (client.get("/v2/actor-approvals"), client.delete(f"/v2/actor-approvals/{full.pk}")):
        assert answer.status_code == 403
        assert answer.json()["error"]["data"]["permission"] == "MANAGE_ORGANIZATION"
    assert ActorApproval.objects.count() == 1


def test_who_gave_it(ada, ben, full):
    approvals.approve(full, by=Principal(ada.pk, "ada", person_id=ben.pk))
    assert ActorApproval.objects.get().person_id == ben.pk
