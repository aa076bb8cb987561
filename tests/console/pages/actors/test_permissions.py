"""Permissions of Actors in the console: what pages say before a start, approvals, and settings."""

import html

import pytest
from django.utils import timezone

from accounts.models import Account, UpgradeNotice
from console.http.shown_account import SHOWN_FOR
from console.pages.components.level_sentences import limited_sentence
from resources.kinds import Kind
from resources.models import Actor, ActorApproval, Run
from resources.permission_levels import LIMITED
from resources.runs import approvals, starting
from resources.runs.options import RunOptions
from resources.schedules import editing as schedules
from resources.schedules.actions import RunActor
from sharing.narrowings.run import LIMITED_ROWS
from tests.support.api import send
from tests.support.factories import built_actor
from tests.support.organizations import acting, join, make_organization
from tests.support.run_stage import ended
from tests.support.sign_in import sign_in, stale

pytestmark = pytest.mark.django_db
NOTHING_ELSE = "It sees nothing else of your account."
READS_ALL = "It can read all of your account"


@pytest.fixture
def ada(make_account) -> Account:
    return make_account("ada", skips_actor_approvals=False)


@pytest.fixture
def full(dan) -> Actor:
    return built_actor(dan, name="finder", is_public=True)


@pytest.fixture
def limited(dan) -> Actor:
    return built_actor(dan, name="careful", is_public=True, permission_level=LIMITED)


def text_of(response) -> str:
    assert response.status_code == 200, response.content
    return response.content.decode()


def test_pages_say_what_a_run_may_do_before_it_starts(ada, full, limited, signed_in):
    client = signed_in(ada)
    for path in ("", "/start"):
        said = text_of(client.get(f"{full.console_path}{path}"))
        assert READS_ALL in said
        assert "It cannot change who has access to anything." in said
        assert f"{full.console_path}/approve" in said
        said = text_of(client.get(f"{limited.console_path}{path}"))
        assert NOTHING_ELSE in said
        assert all(row.sentence in html.unescape(said) for row in LIMITED_ROWS)
        assert f"{limited.console_path}/approve" not in said


def test_pages_say_all_that_a_run_with_limited_permissions_reaches(ada, signed_in):
    said = limited_sentence()
    assert all(row.reaches in said for row in LIMITED_ROWS)
    actor, client = built_actor(ada), signed_in(ada)
    for page in (f"{actor.console_path}/settings", f"{actor.console_path}/publish", "/settings/security"):
        assert said in html.unescape(text_of(client.get(page)))


def test_a_start_without_approval_says_where_to_give_it(ada, full, signed_in):
    client = signed_in(ada)
    said = client.post(f"{full.console_path}/start", {"input": "{}"})
    assert said.status_code == 422
    assert f"{full.console_path}/approve" in said.content.decode()
    forced = client.post(f"{full.console_path}/start", {"input": "{}", "force_permission_level": "LIMITED_PERMISSIONS"})
    assert forced.status_code == 302
    assert Run.objects.get().permission_level == LIMITED


def test_a_task_without_approval_leads_to_it(ada, full, make_resource, signed_in):
    task = make_resource(Kind.TASK, ada, name="daily", actor_id=full.pk)
    answer = signed_in(ada).post(f"{task.console_path}/start")
    assert answer["Location"] == f"{full.console_path}/approve"


def test_the_page_of_an_approval(ada, ben, full, signed_in):
    client = signed_in(ada)
    said = text_of(client.get(f"{full.console_path}/approve"))
    assert READS_ALL in said
    assert "whose code you do not control" in said
    other = client.get(f"{full.console_path}/approve?account={ben.pk}")
    assert (other.status_code, b"This link is for an account that is not yours" in other.content) == (409, True)
    assert client.post(f"{full.console_path}/approve?account={ben.pk}").status_code == 409
    assert not ActorApproval.objects.exists()


def test_an_approval_takes_a_recent_sign_in(ada, full, signed_in):
    client = stale(signed_in(ada))
    asked = client.post(f"{full.console_path}/approve")
    assert "/sign-in/confirm" in asked["Location"]
    assert not ActorApproval.objects.exists()
    client, _ = sign_in(ada)
    assert client.post(f"{full.console_path}/approve")["Location"] == full.console_path
    assert approvals.is_approved(full, ada.pk)
    assert "This Actor needs no approval of yours." in text_of(client.get(f"{full.console_path}/approve"))


def test_members_without_its_management_are_told_that_they_cannot_approve(ada, ben, full, make_resource, signed_in):
    acme = make_organization(ada)
    Account.objects.filter(pk=acme.pk).update(skips_actor_approvals=False)
    join(acme, ben, "Developer")
    client = signed_in(ben)
    client.post("/organizations/switch", {"account": acme.pk})
    for path in ("", "/start"):
        assert f"{full.console_path}/approve" not in text_of(client.get(f"{full.console_path}{path}"))
    assert "your organization has not approved" in text_of(client.get(f"{full.console_path}/start"))
    form = {SHOWN_FOR: acme.pk}
    for refused in (client.get(f"{full.console_path}/approve"), client.post(f"{full.console_path}/approve", form)):
        assert refused.status_code == 403
        assert "does not include MANAGE_ORGANIZATION" in refused.content.decode()
    for path in ("actors", f"actors/{full.pk}/withdraw"):
        assert client.post(f"/settings/security/{path}", form).status_code == 403
    run = starting.start(full, by=acting(ben, acme), options=RunOptions(force_permission_level=LIMITED))
    ended(run)
    assert f"{full.console_path}/approve" not in text_of(client.get(run.console_path))
    assert not ActorApproval.objects.exists()


def test_security_lists_and_withdraws_approvals(ada, full, signed_in):
    approvals.approve(full, by=ada.principal)
    client = signed_in(ada)
    assert "dan/finder" in text_of(client.get("/settings/security"))
    run = starting.start(full, by=ada.principal)
    assert client.post(f"/settings/security/actors/{full.pk}/withdraw").status_code == 302
    assert not ActorApproval.objects.exists()
    run.refresh_from_db()
    assert run.permission_level == LIMITED
    assert client.post(f"/settings/security/actors/{full.pk}/withdraw").status_code == 302


def test_the_settings(ada, signed_in):
    client = stale(signed_in(ada))
    assert "/sign-in/confirm" in client.post("/settings/security/actors", {"new_actors": "limited"})["Location"]
    client, _ = sign_in(ada)
    client.post("/settings/security/actors", {"new_actors": "limited", "skip_approvals": "on"})
    ada.refresh_from_db()
    assert (ada.limits_new_actors, ada.skips_actor_approvals) == (True, True)
    assert client.post("/settings/security/actors", {"new_actors": "odd"}).status_code == 422


def test_the_owner_chooses_the_level_in_the_settings_of_the_actor(ada, ben, give, signed_in):
    actor = built_actor(ada, permission_level=LIMITED)
    give(actor, ben, "WRITE")
    form = {"name": "counter", "default_build": "latest", "default_timeout_secs": 0, "default_memory_mbytes": 256}
    path = f"{actor.console_path}/settings"
    refused = signed_in(ben).post(path, form | {"permission_level": ""})
    assert refused.status_code == 422
    assert "Only the owner of an Actor can give it full permissions." in refused.content.decode()
    assert signed_in(ada).post(path, form | {"permission_level": ""}).status_code == 302
    actor.refresh_from_db()
    assert actor.permission_level is None


def test_publishing_asks_for_the_level(ada, signed_in):
    actor = built_actor(ada)
    assert 'name="permission_level"' in text_of(signed_in(ada).get(f"{actor.console_path}/publish"))
    signed_in(ada).post(f"{actor.console_path}/publish", {"public": "yes", "permission_level": "limited"})
    actor.refresh_from_db()
    assert (actor.is_public, actor.permission_level) == (True, LIMITED)


def test_accounts_whose_schedules_stop_are_told(
    api, ada, ben, dan, cleo, limited, mailoutbox, django_capture_on_commit_callbacks
):
    def scheduled(account: Account) -> None:
        change = schedules.ScheduleChange(name="daily", is_enabled=True, actions=[RunActor(actor_id=limited.pk)])
        schedules.create(account.pk, change, by=account.principal)

    for account in (ada, ben, dan):
        scheduled(account)
    with django_capture_on_commit_callbacks(execute=True):
        answer = send(api(dan), "put", f"/v2/actors/{limited.pk}", {"actorPermissionLevel": "FULL_PERMISSIONS"})
    assert answer.status_code == 200
    notice = UpgradeNotice.objects.get()
    assert (notice.account_id, notice.details) == (ada.pk, {"actor": "dan/careful"})
    assert [mail.to for mail in mailoutbox] == [["ada@example.com"]]
    assert f"/actors/{limited.pk}/approve?account={ada.pk}" in mailoutbox[0].body
    UpgradeNotice.objects.update(seen_at=timezone.now())
    send(api(dan), "put", f"/v2/actors/{limited.pk}", {"actorPermissionLevel": "LIMITED_PERMISSIONS"})
    send(api(dan), "put", f"/v2/actors/{limited.pk}", {"actorPermissionLevel": "FULL_PERMISSIONS"})
    assert UpgradeNotice.objects.get().seen_at is None
