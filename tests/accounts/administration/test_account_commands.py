"""What an administrator does with accounts on the command line: list, sign out, reset two-factor, reset link."""

import io
import json
from http import HTTPStatus

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal import auth as totp
from django.conf import settings
from django.core.management import CommandError, call_command
from django.test import Client

from accounts import tokens
from accounts.lib.timestamps import iso
from accounts.models import Account, ApiToken, AuditEvent
from tests.support.factories import built_actor
from tests.support.sign_in import actions_of, is_signed_in, sign_in, verify

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("commits")]
NEW = "another horse battery"


def run(name: str, *arguments: str) -> str:
    printed = io.StringIO()
    call_command(name, *arguments, stdout=printed, stderr=io.StringIO())
    return printed.getvalue()


@pytest.mark.parametrize("name", ["end_sessions", "reset_two_factor", "reset_link", "verify_email"])
@pytest.mark.parametrize("who", ["nobody", "nobody@example.com", "", "\x00"])
def test_an_account_that_there_is_not_is_a_one_line_error_and_changes_nothing(ada, name, who):
    with pytest.raises(CommandError, match="There is no account") as error:
        run(name, who)
    assert "\n" not in str(error.value)
    assert not AuditEvent.objects.exists()


@pytest.mark.parametrize("by", ["pk", "username", "email"])
def test_an_account_is_named_by_id_username_or_email(ada, by):
    run("end_sessions", getattr(ada, by).upper() if by != "pk" else ada.pk)
    assert actions_of(ada) == ["account.sessions_ended"]


# list_accounts


def test_the_list_has_what_an_administrator_asks(ada, ben, token_of):
    verify(ada)
    sign_in(ada)
    token_of(ada)
    revoked = ApiToken.objects.get()
    token_of(ada)
    tokens.revoke(revoked, by=ada.principal)
    token_of(ada, expires_at=revoked.created_at)
    Account.objects.filter(pk=ben.pk).update(is_active=False)
    EmailAddress.objects.filter(user=ben).update(verified=False)
    ada.refresh_from_db()
    rows = {row["username"]: row for row in map(json.loads, run("list_accounts", "--json").splitlines())}
    assert rows["ada"] == {
        "id": ada.pk,
        "username": "ada",
        "email": "ada@example.com",
        "is_verified": True,
        "is_active": True,
        "last_sign_in": iso(ada.last_login),
        "tokens": 1,
    }
    assert rows["ben"] | {"id": "", "email": ""} == {
        "id": "",
        "username": "ben",
        "email": "",
        "is_verified": False,
        "is_active": False,
        "last_sign_in": None,
        "tokens": 0,
    }
    heading, first, second = run("list_accounts").splitlines()
    assert heading.split()[:5] == ["ID", "Username", "Email", "Verified", "State"]
    assert first.split()[1:5] == ["ada", "ada@example.com", "yes", "active"]
    assert second.split()[1:] == ["ben", "ben@example.com", "no", "suspended", "never", "0"]


def test_listing_is_recorded_and_costs_the_same_for_many(ada, make_account, django_assert_num_queries):
    def cost() -> int:
        from django.db import connection
        from django.test.utils import CaptureQueriesContext

        with CaptureQueriesContext(connection) as queries:
            run("list_accounts")
        return len(queries)

    few = cost()
    for number in range(5):
        make_account(f"user-{number}")
    assert cost() == few
    line = AuditEvent.objects.filter(action="accounts.listed").latest("pk")
    assert (line.actor_id, line.actor_username) == ("", "The server's administrator")


# end_sessions


def test_sessions_and_tokens_end_those_of_runs_too(ada, ben, api):
    from resources.runs import starting
    from resources.runs.tokens import make_run_token

    here, elsewhere = sign_in(verify(ada))[0], sign_in(ada)[0]
    bens = sign_in(verify(ben))[0]
    mine, theirs = api(ada), api(ben)
    text = make_run_token(starting.start(built_actor(ada), by=ada.principal))
    of_run = Client(headers={"Authorization": f"Bearer {text}"})
    assert of_run.get("/v2/users/me").status_code == HTTPStatus.OK
    assert run("end_sessions", "ada") == "Ended 2 sessions and 2 API tokens of ada.\n"
    assert not is_signed_in(here)
    assert not is_signed_in(elsewhere)
    assert mine.get("/v2/users/me").status_code == HTTPStatus.UNAUTHORIZED
    assert of_run.get("/v2/users/me").status_code == HTTPStatus.UNAUTHORIZED
    assert is_signed_in(bens)
    assert theirs.get("/v2/users/me").status_code == HTTPStatus.OK
    assert is_signed_in(sign_in(ada)[0]), "the account can sign in again"


def test_tokens_can_be_kept(ada, api):
    client, mine = sign_in(verify(ada))[0], api(ada)
    run("end_sessions", "ada", "--keep-tokens")
    assert not is_signed_in(client)
    assert mine.get("/v2/users/me").status_code == HTTPStatus.OK


# reset_two_factor


def test_the_password_is_enough_once_two_factor_was_reset(ada, ben, signed_in):
    for account in (ada, ben):
        totp.TOTP.activate(verify(account), totp.generate_totp_secret())
        RecoveryCodes.activate(account)
    assert sign_in(ada)[1]["Location"] == "/sign-in/second-step"
    assert run("reset_two_factor", "ada") == "Removed 2 second factors of ada.\n"
    assert is_signed_in(sign_in(ada)[0])
    assert Authenticator.objects.filter(user=ben).count() == 2
    lines = signed_in(ada).get("/settings/activity").context["lines"]
    removed = [(line.actor, line.origin) for line in lines if line.sentence.startswith("Removed two-factor")]
    assert removed == [("The server's administrator", "Command line")] * 2


def test_without_a_second_factor_nothing_changes(ada):
    assert "nothing changed" in run("reset_two_factor", "ada")
    assert actions_of(ada) == []


# reset_link


def test_the_link_sets_a_password_once_and_needs_no_email(ada, mailoutbox):
    verify(ada)
    link = run("reset_link", "ada").strip()
    assert link.startswith(f"{settings.PUBLIC_URL}/reset-password/")
    assert mailoutbox == []
    client = Client()
    path = client.get(link.removeprefix(settings.PUBLIC_URL), follow=True).redirect_chain[-1][0]
    client.post(path, {"password1": NEW, "password2": NEW})
    assert is_signed_in(sign_in(ada, password=NEW)[0])
    again = Client().get(link.removeprefix(settings.PUBLIC_URL), follow=True)
    assert "does not work any more" in again.content.decode()
    assert actions_of(ada)[:2] == ["password.reset_link_made", "password.reset"]


def test_the_link_is_not_in_the_trail(ada):
    link = run("reset_link", "ada").strip()
    assert link.rsplit("-", 1)[-1] not in str(list(AuditEvent.objects.values()))


def test_a_suspended_account_gets_no_link(ada):
    Account.objects.filter(pk=ada.pk).update(is_active=False)
    with pytest.raises(CommandError, match="is suspended"):
        run("reset_link", "ada")
    assert actions_of(ada) == []


def test_no_account_can_pass_for_the_administrator(ada):
    response = Client().post(
        "/sign-up", {"username": "The server's administrator", "email": "eve@example.com", "password1": NEW}
    )
    assert response.context["form"].errors["username"]


# verify_email


def test_an_email_that_another_account_has_verified_is_not_verified_again(ada, ben):
    EmailAddress.objects.filter(user=ada).delete()
    EmailAddress.objects.filter(user=ben).update(email=ada.email)
    with pytest.raises(CommandError, match="Another account has verified"):
        run("verify_email", "ada")
    assert not EmailAddress.objects.filter(user=ada).exists()


def test_an_account_signs_in_once_its_email_counts_as_verified(ada):
    EmailAddress.objects.filter(user=ada).update(verified=False)
    assert sign_in(ada)[1]["Location"] == "/verify-email"
    assert run("verify_email", "ada@example.com") == "Verified ada@example.com (ada).\n"
    client, _ = sign_in(ada)
    assert is_signed_in(client)
    lines = client.get("/settings/activity").context["lines"]
    assert ("The server's administrator", "Verified the email ada@example.com.") in [
        (line.actor, line.sentence) for line in lines
    ]
    assert "nothing changed" in run("verify_email", "ada")
