"""What a suspended account cannot do any more, by whichever way, and what works again once it is restored."""

import io
import json
from datetime import timedelta
from http import HTTPStatus

import pytest
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal import auth as totp
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from accounts.models import AuditEvent
from resources.jobs.status import JobStatus
from resources.kinds import Kind
from resources.models import Build, Dataset, Run, Schedule, WebhookDispatch
from resources.runs import starting as runs
from resources.runs.tokens import make_run_token
from resources.schedules import editing as schedules
from resources.schedules.actions import RunActor
from resources.schedules.editing import ScheduleChange
from resources.webhooks import delivery, events
from resources.worker import execute_build, execute_run
from sharing.links import links
from sharing.mail import share_mail
from sharing.schedules.firing import fire_due
from sharing.signatures import SignedContent, sign_content
from tests.support.api import message_of
from tests.support.cast import PASSWORD
from tests.support.factories import built_actor, make_webhook
from tests.support.run_stage import at_work, ended
from tests.support.sign_in import actions_of, is_signed_in, sign_in, verify
from tests.support.webhook_receiver import Listening
from tests.support.work_stage import actor_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("commits")]


def command(name: str, *arguments: str) -> str:
    """Run a management command and return what it prints."""
    printed = io.StringIO()
    call_command(name, *arguments, stdout=printed)
    return printed.getvalue()


def suspend(account) -> str:
    return command("suspend_account", account.username)


def restore(account) -> str:
    return command("restore_account", account.username)


# Sign-in and sessions


def test_it_cannot_sign_in_and_its_sessions_are_over_for_good(ada):
    before, _ = sign_in(verify(ada))
    assert is_signed_in(before)
    suspend(ada)
    assert not is_signed_in(before)
    client, response = sign_in(ada)
    assert response["Location"] == "/sign-in/inactive"
    assert not is_signed_in(client)
    restore(ada)
    assert not is_signed_in(before), "a session that has ended does not come back"
    assert is_signed_in(sign_in(ada)[0])


def test_a_session_that_was_not_noted_is_no_way_in(ada, signed_in):
    client = signed_in(ada)
    suspend(ada)
    assert not is_signed_in(client)


def test_a_second_step_that_was_begun_before_leads_nowhere(ada):
    verify(ada)
    totp.TOTP.activate(ada, totp.generate_totp_secret())
    code = RecoveryCodes.activate(ada).get_unused_codes()[0]
    client, _ = sign_in(ada)
    suspend(ada)
    client.post("/sign-in/second-step", {"code": code})
    assert not is_signed_in(client)


def test_confirming_again_is_refused(ada):
    client, _ = sign_in(verify(ada))
    suspend(ada)
    response = client.post("/sign-in/confirm", {"password": PASSWORD, "next": "/settings/security/two-factor/app"})
    assert response["Location"].startswith("/sign-in?")


def test_a_reset_link_does_not_let_it_in(ada, mailoutbox):
    verify(ada)
    link = command("reset_link", "ada").strip().split("localhost:8000")[-1]
    suspend(ada)
    client = Client()
    path = client.get(link, follow=True).redirect_chain[-1][0]
    new = "another horse battery"
    client.post(path, {"password1": new, "password2": new})
    assert sign_in(ada, client=client, password=new)[1]["Location"] == "/sign-in/inactive"
    mailoutbox.clear()
    Client().post("/reset-password", {"email": "ada@example.com"})
    assert "/reset-password/" not in "".join(str(message.body) for message in mailoutbox)


# Tokens


def test_its_tokens_stop_and_work_again(ada, api):
    client = api(ada)
    assert client.get("/v2/users/me").status_code == HTTPStatus.OK
    suspend(ada)
    refused = client.get("/v2/users/me")
    assert refused.status_code == HTTPStatus.UNAUTHORIZED
    assert refused.json()["error"]["type"] == "user-or-token-not-found"
    restore(ada)
    assert client.get("/v2/users/me").status_code == HTTPStatus.OK


# Runs and builds


def started(account, actor=None) -> Run:
    return runs.start(actor or built_actor(account), by=account.principal)


def test_the_token_of_a_running_run_is_refused_and_the_run_aborted(ada):
    run = started(ada)
    at_work(run)
    run.refresh_from_db()
    text = make_run_token(run)
    client = Client(headers={"Authorization": f"Bearer {text}"})
    assert client.get("/v2/users/me").status_code == HTTPStatus.OK
    said = suspend(ada)
    assert client.get("/v2/users/me").status_code == HTTPStatus.UNAUTHORIZED
    run.refresh_from_db()
    assert run.status == JobStatus.ABORTING
    assert "aborted: 1 run, 0 builds" in said


def test_a_run_that_waits_is_aborted_and_stays_so(ada):
    run = started(ada)
    suspend(ada)
    restore(ada)
    run.refresh_from_db()
    assert run.status == JobStatus.ABORTED


def test_a_suspension_that_was_interrupted_is_completed(ada):
    ada.is_active = False
    ada.save()
    run = started(ada)
    assert "suspended before" in suspend(ada)
    run.refresh_from_db()
    assert run.status == JobStatus.ABORTED


def test_the_runs_of_others_go_on(ada, ben):
    actor = built_actor(ada, is_public=True)
    run = started(ben, actor)
    suspend(ada)
    run.refresh_from_db()
    assert run.status == JobStatus.READY


def test_a_worker_begins_no_run_and_no_build_of_it(ada):
    actor = actor_of(ada, {"main.py": "print('it runs')"})
    from resources.builds import starting as builds

    build = builds.start(actor, "0.1", by=ada.principal)
    run = started(ada, built_actor(ada))
    ada.is_active = False  # as where a worker has taken them a moment before
    ada.save()
    execute_build.execute(build.pk)
    execute_run.execute(run.pk)
    for job in (Build.objects.get(pk=build.pk), Run.objects.get(pk=run.pk)):
        assert job.status == JobStatus.FAILED
        assert "suspended" in job.status_message


def test_others_cannot_resurrect_its_runs(ada, ben, give, api):
    run = started(ada)
    ended(run)
    give(run, ben, "WRITE")
    suspend(ada)
    refused = api(ben).post(f"/v2/actor-runs/{run.pk}/resurrect")
    assert refused.status_code == HTTPStatus.FORBIDDEN
    assert "suspended" in message_of(refused)
    run.refresh_from_db()
    assert run.status == JobStatus.SUCCEEDED
    restore(ada)
    assert api(ben).post(f"/v2/actor-runs/{run.pk}/resurrect").status_code == HTTPStatus.OK


def test_others_cannot_build_its_actors(ada, ben, give, api, signed_in):
    actor = actor_of(ada, {"main.py": ""})
    give(actor, ben, "BUILD")
    suspend(ada)
    refused = api(ben).post(f"/v2/acts/{actor.pk}/builds?version=0.1")
    assert refused.status_code == HTTPStatus.FORBIDDEN
    assert "suspended" in message_of(refused)
    page = signed_in(ben).post(f"/actors/{actor.pk}/builds/start", {"version": "0.1"})
    assert page.status_code != HTTPStatus.FOUND
    assert not Build.objects.filter(actor_id=actor.pk).exists()


# Schedules and webhooks


def test_its_schedules_start_nothing_and_go_on_afterwards(ada):
    actor = built_actor(ada)
    change = ScheduleChange(
        name="each-minute", cron_expression="* * * * *", is_enabled=True, actions=[RunActor(actor_id=actor.pk)]
    )
    schedule = schedules.create(ada.pk, change, by=ada.principal)
    suspend(ada)
    now = timezone.now() + timedelta(minutes=2)
    assert fire_due(now) == 1
    assert not Run.objects.exists()
    restore(ada)
    assert fire_due(now + timedelta(minutes=2)) == 1
    assert Run.objects.get().schedule_id == schedule.pk
    assert Schedule.objects.get().is_enabled


def test_its_webhooks_are_not_sent_and_what_waits_is_sent_afterwards(ada, settings):
    settings.WEBHOOK_ADDRESSES = ["127.0.0.0/8"]
    run = started(ada)
    with Listening() as receiver:
        webhook = make_webhook(ada, events.RUN_ABORTED, request_url=receiver.url, actor_id=run.actor_id)
        suspend(ada)  # which aborts the run, of which the webhook tells
        dispatch = WebhookDispatch.objects.get(webhook=webhook)
        delivery.deliver(dispatch.pk)
        assert receiver.received == []
        restore(ada)
        WebhookDispatch.objects.update(next_at=timezone.now())
        delivery.deliver(dispatch.pk)
        assert len(receiver.received) == 1


# Links and e-mails


def test_the_links_that_it_made_stop_and_work_again(ada, ben, make_resource, give):
    dataset = make_resource(Kind.DATASET, ben, name="prices", general_access="RESTRICTED")
    give(dataset, ada, "WRITE")
    _, signature = links.create(dataset, SignedContent.CONTENT, timedelta(days=1), by=ada.principal)
    path = f"/v2/datasets/{dataset.pk}/items?signature={signature}"
    assert Client().get(path).status_code == HTTPStatus.OK
    suspend(ada)
    assert Client().get(path).status_code == HTTPStatus.FORBIDDEN
    restore(ada)
    assert Client().get(path).status_code == HTTPStatus.OK


def test_what_clients_sign_with_its_keys_stops_and_works_again(ada, ben, make_resource, give, api):
    """The owner's key, and that of another account that holds WRITE, each with the access of its holder."""
    dataset = make_resource(Kind.DATASET, ada, name="prices", general_access="RESTRICTED")
    give(dataset, ben, "WRITE")
    for holder, other in ((ada, ben), (ben, ada)):
        paths = [signed_path(dataset, api(each)) for each in (holder, other)]
        suspend(holder)
        assert [Client().get(path).status_code for path in paths] == [HTTPStatus.FORBIDDEN, HTTPStatus.OK]
        restore(holder)
        assert [Client().get(path).status_code for path in paths] == [HTTPStatus.OK, HTTPStatus.OK]


def signed_path(dataset, client) -> str:
    """Return a path to the items that a client has signed with the key that it was given."""
    key = client.get(f"/v2/datasets/{dataset.pk}").json()["data"]["urlSigningSecretKey"]
    return f"/v2/datasets/{dataset.pk}/items?signature={sign_content(key, dataset.pk, 0)}"


def test_links_that_the_server_made_for_it_stop_and_work_again(ada, make_resource, api, settings):
    dataset = make_resource(Kind.DATASET, ada, name="prices", general_access="RESTRICTED")
    url = api(ada).get(f"/v2/datasets/{dataset.pk}").json()["data"]["itemsPublicUrl"]
    path = url.removeprefix(settings.PUBLIC_URL)
    assert Client().get(path).status_code == HTTPStatus.OK
    suspend(ada)
    assert Client().get(path).status_code == HTTPStatus.FORBIDDEN
    restore(ada)
    assert Client().get(path).status_code == HTTPStatus.OK


def test_it_gets_no_emails(ada, ben, make_resource, mailoutbox):
    dataset = make_resource(Kind.DATASET, ada, name="prices", general_access="RESTRICTED")
    suspend(ada)
    share_mail.email_access_requested(dataset, type(ada).objects.get(pk=ada.pk), by=ben.principal)
    assert mailoutbox == []
    restore(ada)
    share_mail.email_access_requested(dataset, type(ada).objects.get(pk=ada.pk), by=ben.principal)
    assert [message.to for message in mailoutbox] == [["ada@example.com"]]


# What it owns, and what is said


def test_what_it_owns_stays_and_stays_shared(ada, ben, make_resource, give, api):
    dataset = make_resource(Kind.DATASET, ada, name="prices", general_access="RESTRICTED")
    give(dataset, ben, "READ")
    suspend(ada)
    assert api(ben).get(f"/v2/datasets/{dataset.pk}").status_code == HTTPStatus.OK
    assert Dataset.objects.filter(owner=ada).exists()


def test_it_says_what_stops_and_what_works_again(ada, token_of):
    sign_in(verify(ada))
    token_of(ada)
    said = suspend(ada)
    for part in ("Suspended ada (ada@example.com)", "1 session", "1 API token", "0 schedules", "0 webhooks"):
        assert part in said
    assert "1 API token" in restore(ada)


def test_each_leaves_a_line_that_names_the_administrator(ada, signed_in):
    suspend(ada)
    restore(ada)
    assert actions_of(ada) == ["account.suspended", "account.restored"]
    page = signed_in(ada).get("/settings/activity")
    assert [(line.actor, line.sentence, line.origin) for line in page.context["lines"]] == [
        ("The server's administrator", "Restored the account.", "Command line"),
        ("The server's administrator", "Suspended the account.", "Command line"),
    ]


def test_again_changes_nothing(ada):
    assert "not suspended" in restore(ada)
    suspend(ada)
    assert "suspended before" in suspend(ada)
    assert actions_of(ada) == ["account.suspended"]
    assert not AuditEvent.objects.filter(account_id="").exists()


@pytest.mark.parametrize("name", ["suspend_account", "restore_account"])
@pytest.mark.parametrize("who", ["nobody", "nobody@example.com", "", "\x00"])
def test_an_account_that_there_is_not_is_a_one_line_error(db, name, who):
    with pytest.raises(CommandError, match="There is no account") as error:
        call_command(name, who)
    assert "\n" not in str(error.value)


def test_json_is_not_broken_by_a_suspended_account(ada):
    suspend(ada)
    assert json.loads(command("list_accounts", "--json"))["is_active"] is False
