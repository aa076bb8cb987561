"""Who can make an account: SIGN_UP, invitations, and what pages say where there is no mail server."""

import io
import logging
import re
from datetime import timedelta
from http import HTTPStatus

import pytest
from allauth.account.mixins import CloseableSignupMixin
from allauth.account.models import EmailAddress
from django.core.exceptions import PermissionDenied
from django.core.mail import EmailMessage, get_connection
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client, RequestFactory
from django.utils import timezone

from accounts.adapters import AccountAdapter
from accounts.deployment import sign_up_policy
from accounts.deployment.outgoing_email import BACKEND_WITHOUT_SMTP
from accounts.deployment.sign_up_policy import SignUp
from accounts.models import Account, AuditEvent, Invitation
from accounts.sign_up import invitations, sign_up
from console.logging import scrub
from sharing.system_checks import iterate_views
from tests.support.cast import PASSWORD
from tests.support.sign_in import actions_of, sign_in, verify
from tests.support.urls import url_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("commits")]
NEW = {"username": "eve", "email": "eve@example.com", "password1": PASSWORD}
CLOSED = ("invited", "closed")


@pytest.fixture
def automatic(settings):
    """A deployment that leaves SIGN_UP to whether others can reach it."""
    settings.SIGN_UP = ""


@pytest.fixture
def no_smtp(settings):
    settings.EMAIL_BACKEND = BACKEND_WITHOUT_SMTP


def command(name: str, *arguments: str) -> str:
    printed = io.StringIO()
    call_command(name, *arguments, stdout=printed, stderr=io.StringIO())
    return printed.getvalue()


def invite(settings, email: str = "eve@example.com") -> str:
    """Return the path of a new invitation."""
    return command("invite", email).strip().removeprefix(settings.PUBLIC_URL)


# The policy


@pytest.mark.parametrize("policy", CLOSED)
def test_the_page_refuses_to_show_and_to_make(settings, policy):
    settings.SIGN_UP = policy
    for answer in (Client().get("/sign-up"), Client().post("/sign-up", NEW)):
        assert answer.status_code == HTTPStatus.FORBIDDEN
        assert "You cannot sign up here" in answer.content.decode()
        assert 'name="username"' not in answer.content.decode()
    assert not Account.objects.exists()


@pytest.mark.parametrize("policy", CLOSED)
def test_no_address_makes_an_account(settings, policy, ada, signed_in):
    """Every address of the running configuration is sent a sign-up, and an account comes of none."""
    settings.SIGN_UP = policy
    before = set(Account.objects.values_list("pk", flat=True))
    fields = {**NEW, "password2": PASSWORD, "email2": NEW["email"]}
    for client in (Client(raise_request_exception=False), signed_in(ada)):
        client.raise_request_exception = False
        for route, _ in iterate_views():
            client.post(url_of(route, {}), fields)
    assert set(Account.objects.values_list("pk", flat=True)) == before


@pytest.mark.parametrize("policy", CLOSED)
def test_no_view_of_allauth_that_signs_up_is_open(settings, policy):
    settings.SIGN_UP = policy
    found = [pattern.callback.view_class for _, pattern in iterate_views() if hasattr(pattern.callback, "view_class")]
    signing_up = [view for view in found if issubclass(view, CloseableSignupMixin)]
    assert signing_up
    for view in signing_up:
        assert not view(request=RequestFactory().get("/")).is_open()


def test_django_allauth_makes_no_account_whatever_calls_it(settings):
    settings.SIGN_UP = "invited"
    with pytest.raises(PermissionDenied, match="by invitation"):
        AccountAdapter().save_user(RequestFactory().post("/"), Account(), None)


def test_without_the_setting_it_is_open_on_loopback(automatic, on_loopback):
    assert sign_up_policy.policy() is SignUp.OPEN
    assert Client().post("/sign-up", NEW)["Location"] == "/verify-email"
    assert ">Sign up</a>" in Client().get("/sign-in").content.decode()


def test_without_the_setting_it_is_invited_where_others_can_come(automatic, exposed):
    assert sign_up_policy.policy() is SignUp.INVITED
    assert Client().post("/sign-up", NEW).status_code == HTTPStatus.FORBIDDEN


@pytest.mark.parametrize(
    ("policy", "said"), [("invited", "by invitation"), ("closed", "Sign-up on this server is closed")]
)
def test_the_pages_say_so_and_have_no_link(settings, policy, said):
    settings.SIGN_UP = policy
    for path in ("/sign-in", "/sign-up", "/reset-password"):
        page = Client().get(path).content.decode()
        assert 'href="/sign-up' not in page
        if path != "/reset-password":
            assert said in page


@pytest.mark.parametrize("policy", CLOSED)
def test_emails_do_not_lead_to_it(settings, policy, mailoutbox):
    settings.SIGN_UP = policy
    Client().post("/reset-password", {"email": "nobody@example.com"})
    assert "/sign-up" not in mailoutbox[0].body


def test_the_administrator_makes_accounts_where_it_is_closed(settings):
    settings.SIGN_UP = "closed"
    command("create_account", "eve", "--email", "eve@example.com", "--password", PASSWORD)
    line = AuditEvent.objects.get(action="account.created")
    assert (line.actor_id, line.actor_username) == ("", "The server's administrator")


# Invitations


@pytest.mark.parametrize("email", ["ada@example.com", "ADA@example.com "])
def test_an_email_with_an_account_is_not_invited(ada, email):
    with pytest.raises(CommandError, match="There is an account"):
        command("invite", email)
    assert not Invitation.objects.exists()


@pytest.mark.parametrize("email", ["", "eve", "eve@", "\x00", "eve@example.com\nbcc: x"])
def test_what_is_no_email_is_not_invited(db, email):
    with pytest.raises(CommandError, match="is not an email address") as error:
        command("invite", email)
    assert "\n" not in str(error.value)


def test_closed_means_links_too(settings):
    settings.SIGN_UP = "invited"
    path = invite(settings)
    settings.SIGN_UP = "closed"
    assert Client().get(path).status_code == HTTPStatus.NOT_FOUND
    assert Client().post(path, NEW).status_code == HTTPStatus.NOT_FOUND
    with pytest.raises(CommandError, match="closed"):
        command("invite", "ben@example.com")
    assert not Account.objects.exists()


@pytest.mark.parametrize("key", ["nothing", "%00", "ü", "x" * 2000])
def test_a_wrong_key_makes_nothing(settings, key):
    invite(settings)
    for answer in (Client().get(f"/sign-up/invited/{key}"), Client().post(f"/sign-up/invited/{key}", NEW)):
        assert answer.status_code == HTTPStatus.NOT_FOUND
        assert "This invitation does not work" in answer.content.decode()
    assert not Account.objects.exists()


@pytest.mark.parametrize(
    ("field", "value", "why"),
    [
        ("username", "ADA", "This username is taken."),
        ("username", "nobody", "This username is reserved."),
        ("username", "", "This field is required."),
        ("username", "x" * 10_000, "at most"),
        ("username", "eve\x00", "Null characters"),
        ("password1", "short", "too short"),
        ("password1", "eve@example.com", "too similar"),
        ("password1", "", "This field is required."),
    ],
)
def test_a_refusal_stands_beside_the_field_and_the_link_still_works(ada, settings, field, value, why):
    settings.SIGN_UP = "invited"
    path = invite(settings)
    answer = Client().post(path, {**NEW, field: value})
    assert why in " ".join(answer.context["form"].errors[field])
    assert list(Account.objects.all()) == [ada]
    assert Client().post(path, NEW)["Location"] == "/"


def test_a_link_makes_one_account_whose_email_is_verified_and_signs_in(settings, mailoutbox):
    settings.SIGN_UP = "invited"
    path = invite(settings, "Eve@Example.com")
    page = Client().get(path)
    assert "eve@example.com" in page.content.decode()
    assert not Account.objects.exists(), "opening the link makes nothing"
    client = Client()
    response = client.post(path, {**NEW, "email": "mallory@example.com"})
    assert response["Location"] == "/"
    assert client.get("/settings/security/two-factor/app").status_code == HTTPStatus.OK, "it is a fresh sign-in"
    eve = Account.objects.get()
    assert (eve.username, eve.email) == ("eve", "eve@example.com")
    assert EmailAddress.objects.get().verified
    assert mailoutbox == []
    assert actions_of(eve) == ["account.created", "sign_in"]
    assert Client().post(path, {**NEW, "username": "eve2"}).status_code == HTTPStatus.NOT_FOUND
    assert Account.objects.count() == 1
    assert "used" in command("list_invitations")
    lines = client.get("/settings/activity").context["lines"]
    assert lines[-1].sentence == "Signed up with an invitation."


def test_a_link_ends_after_14_days(settings, monkeypatch):
    path = invite(settings)
    later = timezone.now() + timedelta(days=14)
    assert Invitation.objects.get().expires_at <= later
    monkeypatch.setattr("accounts.sign_up.invitations.timezone.now", lambda: later)
    assert Client().post(path, NEW).status_code == HTTPStatus.NOT_FOUND
    assert "ended" in command("list_invitations")


def test_a_link_can_be_revoked_and_a_new_one_ends_the_old(settings):
    first, second = invite(settings), invite(settings)
    assert Client().get(first).status_code == HTTPStatus.NOT_FOUND
    assert Client().get(second).status_code == HTTPStatus.OK
    assert "open until" in command("list_invitations")
    command("revoke_invitation", "EVE@example.com")
    assert Client().post(second, NEW).status_code == HTTPStatus.NOT_FOUND
    with pytest.raises(CommandError, match="There is no open invitation"):
        command("revoke_invitation", "eve@example.com")
    actions = AuditEvent.objects.filter(action__startswith="invitation.").order_by("pk")
    assert [(line.action, line.actor_username) for line in actions] == [
        ("invitation.created", "The server's administrator"),
        ("invitation.revoked", "The server's administrator"),
        ("invitation.created", "The server's administrator"),
        ("invitation.revoked", "The server's administrator"),
    ]


def test_an_email_that_got_an_account_meanwhile_gets_no_second_one(settings):
    path = invite(settings)
    verify(Account.objects.create_user("other", "eve@example.com", PASSWORD))
    answer = Client().post(path, NEW)
    assert "already exists" in " ".join(answer.context["form"].non_field_errors())
    assert Account.objects.count() == 1


def test_of_two_at_once_one_makes_the_account(settings, monkeypatch):
    key = invite(settings).rsplit("/", 1)[1]
    found = invitations.find(key)
    monkeypatch.setattr(invitations, "find", lambda _: found)  # both have found it before either used it
    invitations.accept(key, "eve", PASSWORD)
    with pytest.raises(invitations.InvitationOver):
        invitations.accept(key, "eve2", PASSWORD)
    assert Account.objects.count() == 1


def test_nothing_is_locked_while_a_password_is_checked_and_hashed(settings, monkeypatch):
    key = invite(settings).rsplit("/", 1)[1]
    depth = len(connection.savepoint_ids)
    depths = []
    for module, name in ((sign_up, "validate_password"), (Account, "set_password")):
        slow = getattr(module, name)
        monkeypatch.setattr(
            module, name, lambda *given, slow=slow: depths.append(len(connection.savepoint_ids)) or slow(*given)
        )

    invitations.accept(key, "eve", PASSWORD)

    assert depths == [depth, depth]


def test_neither_the_database_nor_a_log_has_the_key(settings):
    path = invite(settings)
    key = path.rsplit("/", 1)[1]
    assert key not in str(list(Invitation.objects.values())) + str(list(AuditEvent.objects.values()))
    assert key not in scrub(f'"GET {path} HTTP/1.1" 200')


def test_a_user_who_is_signed_in_does_not_use_up_an_invitation(ada, settings, signed_in):
    path = invite(settings)
    assert signed_in(ada).post(path, NEW)["Location"] == "/"
    assert Invitation.objects.get().used_at is None


# Where no mail server is set up


def test_no_link_is_in_the_log_where_others_can_come(ada, no_smtp, exposed, capfd, caplog):
    verify(ada)
    with caplog.at_level(logging.DEBUG):
        get_connection().send_messages([EmailMessage("Hello", "a secret link", to=["ada@example.com"])])
        for path in ("/reset-password", "/verify-email"):
            Client().post(path, {"email": "ada@example.com"})
    printed = "".join(capfd.readouterr()) + caplog.text
    assert "secret link" not in printed
    assert "/reset-password/" not in printed
    assert "ada@example.com was not sent" in printed


def test_links_are_in_the_log_on_loopback(ada, no_smtp, on_loopback, capfd):
    Client().post("/reset-password", {"email": verify(ada).email})
    assert re.search(r"/reset-password/\S{20,}", capfd.readouterr().out)


@pytest.mark.parametrize("path", ["/reset-password", "/verify-email"])
def test_the_page_says_that_email_is_not_set_up(no_smtp, exposed, path):
    page = Client().get(path).content.decode()
    assert "Email is not set up" in page
    assert "administrator" in page
    assert 'name="email"' not in page
    assert Client().post(path, {"email": "ada@example.com"}).status_code == HTTPStatus.FORBIDDEN


def test_changing_the_email_says_so_too(ada, no_smtp, exposed):
    client, _ = sign_in(verify(ada))
    assert "Email is not set up" in client.get("/settings/email").content.decode()
    refused = client.post("/settings/email", {"email": "ada@example.org", "action_add": "1"})
    assert refused.status_code == HTTPStatus.FORBIDDEN
    assert not EmailAddress.objects.filter(email="ada@example.org").exists()


def test_an_unverified_account_is_told_so_at_sign_in(ada, no_smtp, exposed):
    EmailAddress.objects.filter(user=ada).update(verified=False)
    client = Client()
    page = client.post("/sign-in", {"login": "ada", "password": PASSWORD}, follow=True)
    assert "Email is not set up" in page.content.decode()


def test_open_sign_up_waits_for_a_mail_server(settings, no_smtp, exposed):
    settings.SIGN_UP = "open"
    assert Client().post("/sign-up", NEW).status_code == HTTPStatus.FORBIDDEN
    assert "Email is not set up" in Client().get("/sign-in").content.decode()
    assert not Account.objects.exists()


def test_the_email_of_an_account_that_there_is_not_says_the_same_page(ada, no_smtp, exposed):
    """The page depends on the server alone, so it does not tell who has an account."""
    known = Client().post("/reset-password", {"email": verify(ada).email})
    unknown = Client().post("/reset-password", {"email": "nobody@example.com"})
    pages = [re.sub(r'(nonce=|value=|X-CSRFToken": )\S+', "", answer.content.decode()) for answer in (known, unknown)]
    assert known.status_code == unknown.status_code == HTTPStatus.FORBIDDEN
    assert pages[0] == pages[1]
