"""Signing in and out, and the second step."""

from http import HTTPStatus

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal import auth as totp
from django.core.cache import cache
from django.test import Client

from accounts.models import AuditEvent
from tests.support.cast import PASSWORD
from tests.support.sign_in import actions_of, code_of, is_signed_in, sign_in, stale, verify

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("commits")]


@pytest.mark.parametrize("login", ["ada", "ADA", "ada@example.com", "nobody", "nobody@example.com", "x" * 900])
def test_wrong_password_says_the_same_whoever_it_is(ada, login):
    verify(ada)
    response = Client().post("/sign-in", {"login": login, "password": "wrong horse battery"})
    assert response.status_code == HTTPStatus.OK
    assert response.context["form"].non_field_errors() == ["The username or email and the password do not match."]


def test_a_failed_sign_in_is_on_the_trail_of_the_account_and_of_nobody_else(ada, ben):
    verify(ada)
    sign_in(ada, password="wrong horse battery")
    Client().post("/sign-in", {"login": "nobody", "password": PASSWORD})
    failed = AuditEvent.objects.get(action="sign_in.failed")
    assert (failed.account_id, failed.actor_id) == (ada.pk, "")
    assert "wrong horse" not in str(failed.details)


def test_an_unverified_account_is_sent_a_link_instead(ada, mailoutbox):
    EmailAddress.objects.filter(user=ada).update(verified=False)
    client, response = sign_in(ada)
    assert response["Location"] == "/verify-email"
    assert not is_signed_in(client)
    assert mailoutbox[-1].to == ["ada@example.com"]


def test_an_inactive_account_cannot_sign_in(make_account):
    eve = verify(make_account("eve", is_active=False))
    client, response = sign_in(eve)
    assert response["Location"] == "/sign-in/inactive"
    assert not is_signed_in(client)
    assert client.get("/sign-in/inactive").status_code == HTTPStatus.OK


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.example/",
        "//evil.example/",
        "///evil.example",
        "/\\evil.example",
        "javascript:alert(1)",
        "http://localhost:1234/",
        "https:evil.example",
        "\x00//evil.example",
    ],
)
def test_next_leads_nowhere_else(ada, elsewhere):
    verify(ada)
    _, response = sign_in(ada, next_url=elsewhere)
    assert response["Location"] == "/"


def test_failed_attempts_are_limited_even_with_the_right_password(ada):
    verify(ada)
    for _ in range(5):
        sign_in(ada, password="wrong horse battery")
    client, response = sign_in(ada)
    assert "Too many failed attempts" in response.content.decode()
    assert not is_signed_in(client)
    assert cache.__class__.__name__ == "ConnectionProxy"
    assert AuditEvent.objects.filter(action="sign_in.failed").count() == 5


def test_x_forwarded_for_is_not_believed_unless_configured(ada, settings):
    verify(ada)
    Client(headers={"X-Forwarded-For": "203.0.113.9"}).post("/sign-in", {"login": "ada", "password": "wrong"})
    assert AuditEvent.objects.latest("pk").details["ip"] == "127.0.0.1"
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
    Client(headers={"X-Forwarded-For": "6.6.6.6, 203.0.113.9"}).post("/sign-in", {"login": "ada", "password": "wrong"})
    assert AuditEvent.objects.latest("pk").details["ip"] == "203.0.113.9"
    Client(headers={"X-Forwarded-For": "gibberish"}).post("/sign-in", {"login": "ada", "password": "wrong"})
    assert AuditEvent.objects.latest("pk").details["ip"] == "0.0.0.0"


def test_get_never_signs_in_or_out(ada):
    client, _ = sign_in(verify(ada))
    assert "Sign out?" in client.get("/sign-out").content.decode()
    assert client.get("/sign-in")["Location"] == "/"
    assert is_signed_in(client)


def test_a_form_without_its_token_is_refused_with_a_page(ada):
    verify(ada)
    client = Client(enforce_csrf_checks=True)
    response = client.post("/sign-in", {"login": "ada", "password": PASSWORD})
    assert response.status_code == HTTPStatus.FORBIDDEN
    assert "The form was not accepted" in response.content.decode()


@pytest.mark.parametrize("login", ["ada", "Ada", "ada@example.com", "ADA@example.com", " ada "])
def test_sign_in_by_username_or_email(ada, login):
    verify(ada)
    client = Client()
    response = client.post("/sign-in", {"login": login, "password": PASSWORD})
    assert response["Location"] == "/"
    assert is_signed_in(client)


def test_sign_in_makes_a_new_session_and_leads_on(ada):
    verify(ada)
    client = Client()
    client.get("/sign-in?next=/settings/security")
    client.post("/sign-in", {"login": "ada", "password": "wrong horse battery"})
    session = client.session
    session["before"] = True
    session.save()
    before = client.session.session_key
    _, response = sign_in(ada, client=client, next_url="/settings/security")
    assert response["Location"] == "/settings/security"
    assert client.session.session_key != before


def test_a_page_leads_through_sign_in_and_back(ada):
    verify(ada)
    client = Client()
    refused = client.get("/settings/security?x=1")
    assert refused["Location"] == "/sign-in?next=/settings/security%3Fx%3D1"
    page = client.get(refused["Location"]).content.decode()
    assert 'name="next" value="/settings/security?x=1"' in page
    assert "/sign-up?next=" in page
    assert "/reset-password?next=" in page


def test_the_labels_that_people_rely_on(client):
    page = client.get("/sign-in").content.decode()
    for text in (">Email or username", ">Password", ">Sign in</button>", 'autocomplete="username"', "current-password"):
        assert text in page


def test_sign_out(ada):
    client, _ = sign_in(verify(ada))
    assert client.post("/sign-out")["Location"] == "/sign-in"
    assert not is_signed_in(client)
    assert actions_of(ada) == ["sign_in", "sign_out"]


# The second step


@pytest.fixture
def with_app(ada):
    """Ada, with an authenticator app; the fixture's value is its secret."""
    verify(ada)
    secret = totp.generate_totp_secret()
    totp.TOTP.activate(ada, secret)
    return secret


def test_a_password_alone_is_not_enough_with_an_app(ada, with_app):
    client, response = sign_in(ada, next_url="/settings/security")
    assert response["Location"] == "/sign-in/second-step"
    assert not is_signed_in(client)
    wrong = client.post("/sign-in/second-step", {"code": "000000" if code_of(with_app) != "000000" else "111111"})
    assert "This code is not right" in wrong.content.decode()
    assert not is_signed_in(client)
    assert actions_of(ada)[-1] == "sign_in.failed"


def test_the_second_step_leads_on(ada, with_app):
    client, _ = sign_in(ada, next_url="/settings/security")
    code = code_of(with_app)
    response = client.post("/sign-in/second-step", {"code": code})
    assert response["Location"] == "/settings/security"
    assert is_signed_in(client)
    again, _ = sign_in(ada)
    again.post("/sign-in/second-step", {"code": code})
    assert not is_signed_in(again), "a code works once"


def test_a_recovery_code_works_once(ada, with_app):
    code = RecoveryCodes.activate(ada).get_unused_codes()[0]
    for expected in (True, False):
        client, _ = sign_in(ada)
        client.post("/sign-in/second-step", {"code": code})
        assert is_signed_in(client) is expected


def test_nobody_gets_to_the_second_step_without_the_first(client):
    assert client.get("/sign-in/second-step")["Location"] == "/sign-in"
    assert client.post("/sign-in/second-step", {"code": "123456"})["Location"] == "/sign-in"


@pytest.mark.parametrize("credential", ["", "null", "[]", "{}", '{"id": "\\ud800"}', '{"a":' * 5000, '"x"', "\x00"])
def test_a_hostile_passkey_signs_nobody_in(ada, credential):
    client = Client(headers={"Accept": "application/json"})
    assert "publicKey" in client.get("/sign-in/passkey").json()["request_options"]
    client = Client()
    response = client.post("/sign-in/passkey", {"credential": credential, "next": "/settings/security"})
    assert response["Location"] == "/sign-in?next=%2Fsettings%2Fsecurity"
    assert not is_signed_in(client)


def test_confirming_again(ada):
    client, _ = sign_in(verify(ada))
    stale(client)
    assert client.get("/settings/security/two-factor/app")["Location"].startswith("/sign-in/confirm?next=")
    wrong = client.post("/sign-in/confirm", {"password": "wrong horse battery", "next": "/settings/security"})
    assert "This is not the password" in wrong.content.decode()
    right = client.post("/sign-in/confirm", {"password": PASSWORD, "next": "/settings/security/two-factor/app"})
    assert right["Location"] == "/settings/security/two-factor/app"
    assert client.get("/settings/security/two-factor/app").status_code == HTTPStatus.OK
    assert Authenticator.objects.count() == 0
