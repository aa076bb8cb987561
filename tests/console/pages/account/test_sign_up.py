"""Signing up, verifying an e-mail, and resetting a password."""

from http import HTTPStatus

import pytest
from allauth.account.models import EmailAddress
from django.test import Client

from accounts.models import Account, AuditEvent
from tests.support.cast import PASSWORD
from tests.support.sign_in import actions_of, link_in_mail, sign_in, verify

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("commits")]
NEW = {"username": "eve", "email": "eve@example.com", "password1": PASSWORD}


@pytest.mark.parametrize(
    ("field", "value", "why"),
    [
        ("username", "nobody", "This username is reserved."),
        ("username", "Admin", "This username is reserved."),
        ("username", "a" * 17, "A username must not look like an account ID."),
        ("username", "ab", "Use 3 to 30 letters"),
        ("username", "-eve", "Use 3 to 30 letters"),
        ("username", "eve~1", "Use 3 to 30 letters"),
        ("username", "e@ve.example", "Use 3 to 30 letters"),
        ("username", "eve\x00", "Null characters are not allowed."),
        ("username", "x" * 10_000, "at most 30 characters"),
        ("username", "ADA", "This username is taken."),
        ("username", "", "This field is required."),
        ("email", "eve", "Enter a valid email address."),
        ("email", "e" * 10_000 + "@example.com", "at most"),
        ("email", "", "This field is required."),
        ("password1", "short", "This password is too short."),
        ("password1", "eve@example.com", "too similar"),
        ("password1", "12345678901234", "entirely numeric"),
        ("password1", "x" * 10_000, "at most 1000"),
        ("password1", "", "This field is required."),
    ],
)
def test_sign_up_refuses_beside_the_field(ada, field, value, why, mailoutbox):
    response = Client().post("/sign-up", {**NEW, field: value})
    assert response.status_code == HTTPStatus.OK
    assert why in " ".join(response.context["form"].errors[field])
    assert f'id="id_{field}_error"' in response.content.decode()
    assert Account.objects.count() == 1
    assert mailoutbox == []


def test_sign_up_does_not_tell_who_has_an_account(ada, mailoutbox):
    verify(ada)
    taken = Client().post("/sign-up", {**NEW, "email": "ada@example.com"})
    free = Client().post("/sign-up", NEW)
    assert taken["Location"] == free["Location"] == "/verify-email"
    assert [message.subject for message in mailoutbox] == ["You have an account already", "Verify your email"]
    assert not Account.objects.filter(email="ada@example.com", username="eve").exists()


def test_a_username_taken_in_the_meantime_is_said_beside_the_field(ada, monkeypatch):
    monkeypatch.setattr(
        "accounts.adapters.AccountAdapter.clean_username", lambda self, username, shallow=False: username
    )
    response = Client().post("/sign-up", {**NEW, "username": "Ada"})
    assert response.context["form"].errors["username"] == ["This username is taken."]
    assert not EmailAddress.objects.exclude(user=ada).exists()


def test_sign_up_then_verify_in_the_same_browser(mailoutbox):
    client = Client()
    assert client.post("/sign-up", {**NEW, "next": "/settings/security"})["Location"] == "/verify-email"
    assert client.get("/verify-email").status_code == HTTPStatus.OK
    link = link_in_mail()
    page = client.get(link)
    assert not EmailAddress.objects.get().verified, "opening the link verifies nothing, the button does"
    assert "Verify" in page.content.decode()
    assert "We have sent a link" not in page.content.decode(), "it has been followed"
    response = client.post(link.split("?")[0], {"next": "/settings/security"})
    assert response["Location"] == "/settings/security"
    assert client.get("/settings/security").status_code == HTTPStatus.OK
    assert EmailAddress.objects.get().verified
    assert client.get("/settings/security/two-factor/app").status_code == HTTPStatus.OK, "it is a fresh sign-in"
    assert actions_of(Account.objects.get()) == ["account.created", "email.verified", "sign_in"]


def test_verify_in_another_browser_signs_nobody_in_but_leads_on(mailoutbox):
    Client().post("/sign-up", {**NEW, "next": "/settings/security"})
    other = Client()
    link = link_in_mail()
    assert "next=%2Fsettings%2Fsecurity" in link
    response = other.post(link)
    assert response["Location"] == "/settings/security"
    refused = other.get("/settings/security")
    assert refused["Location"] == "/sign-in?next=/settings/security"
    eve = Account.objects.get()
    assert sign_in(eve, client=other, next_url="/settings/security")[1]["Location"] == "/settings/security"


def test_a_link_does_not_work_twice_or_wrongly(client, mailoutbox):
    client.post("/sign-up", NEW)
    link = link_in_mail()
    client.post(link)
    assert "does not work any more" in client.get(link).content.decode()
    for key in ("nonsense", "a:b:c", "%00", "ü"):
        assert "does not work any more" in client.get(f"/verify-email/{key}").content.decode()
        assert client.post(f"/verify-email/{key}").status_code == HTTPStatus.NOT_FOUND


def test_somebody_elses_link_does_not_sign_out(ada, mailoutbox):
    Client().post("/sign-up", NEW)
    client, _ = sign_in(verify(ada))
    client.get(link_in_mail())
    assert client.get("/settings").status_code == HTTPStatus.OK


def test_links_are_built_from_the_public_url_and_not_from_the_host_header(settings, mailoutbox):
    settings.ALLOWED_HOSTS = ["*"]
    Client(headers={"Host": "evil.example"}).post("/sign-up", NEW)
    Client(headers={"Host": "evil.example"}).post("/reset-password", {"email": "eve@example.com"})
    Client(headers={"Host": "evil.example"}).post("/reset-password", {"email": "nobody@example.com"})
    assert len(mailoutbox) == 3
    for message in mailoutbox:
        assert settings.PUBLIC_URL in message.body
        assert "evil.example" not in message.body + message.subject


def test_sign_ups_are_limited(client):
    answers = [client.post("/sign-up", {}).status_code for _ in range(21)]
    assert answers[:20] == [HTTPStatus.OK] * 20
    assert answers[20] == HTTPStatus.TOO_MANY_REQUESTS


# Resetting a password


@pytest.mark.parametrize("email", ["", "x", "\x00", "a" * 10_000 + "@example.com"])
def test_reset_refuses_what_is_no_email(email, mailoutbox):
    response = Client().post("/reset-password", {"email": email})
    assert response.context["form"].errors["email"]
    assert mailoutbox == []


def test_reset_answers_the_same_whoever_it_is(ada, mailoutbox):
    verify(ada)
    known = Client().post("/reset-password", {"email": "ada@example.com"})
    unknown = Client().post("/reset-password", {"email": "nobody@example.com"})
    assert known["Location"] == unknown["Location"] == "/reset-password/sent"
    assert Client().get("/reset-password/sent").status_code == HTTPStatus.OK
    assert [message.to for message in mailoutbox] == [["ada@example.com"], ["nobody@example.com"]]


def test_resets_are_limited(ada, mailoutbox):
    answers = [Client().post("/reset-password", {"email": "ada@example.com"}).status_code for _ in range(6)]
    assert answers == [HTTPStatus.FOUND] * 5 + [HTTPStatus.TOO_MANY_REQUESTS]
    assert len(mailoutbox) == 5


@pytest.mark.parametrize("key", ["a-b", "cxyz-0123456789abcdef0123456789abcdef", "set-password", "%00", "x"])
def test_reset_refuses_wrong_keys(ada, key):
    response = Client().get(f"/reset-password/{ada.pk}-{key}")
    assert "does not work any more" in response.content.decode()
    Client().post(f"/reset-password/{ada.pk}-{key}", {"password1": "another horse battery"})
    ada.refresh_from_db()
    assert ada.check_password(PASSWORD)


def test_reset_changes_the_password_ends_all_sessions_and_leads_on(ada, mailoutbox):
    signed_in_before, _ = sign_in(verify(ada))
    client = Client()
    client.post("/reset-password", {"email": "ADA@example.com", "next": "/settings/security"})
    form = client.get(link_in_mail(), follow=True)
    path = form.redirect_chain[-1][0]
    assert path.startswith(f"/reset-password/{ada.pk}-set-password")
    refused = client.post(path, {"password1": "short", "password2": "short"})
    assert refused.context["form"].errors["password1"]
    new = {"password1": "another horse battery", "password2": "another horse battery", "next": "/settings/security"}
    assert client.post(path, new)["Location"] == "/reset-password/done?next=%2Fsettings%2Fsecurity"
    assert (
        "/sign-in?next=%2Fsettings%2Fsecurity"
        in client.get("/reset-password/done?next=/settings/security").content.decode()
    )
    assert signed_in_before.get("/settings").status_code == HTTPStatus.FOUND
    assert "does not work any more" in Client().get(link_in_mail(-2)).content.decode()
    assert mailoutbox[-1].subject == "Your password has been reset"
    _, response = sign_in(ada, password="another horse battery")
    assert response["Location"] == "/"
    assert actions_of(ada)[-2:] == ["password.reset", "sign_in"]


def test_links_from_emails_are_followed_by_the_user_whose_email_it_is(mailoutbox):
    Client().post("/sign-up", NEW)
    Client().post(link_in_mail().split("?")[0])
    eve = Account.objects.get()
    browser = Client()
    browser.post("/reset-password", {"email": eve.email})
    form = browser.get(link_in_mail())["Location"]
    browser.post(form, {"password1": "another horse battery", "password2": "another horse battery", "end_tokens": "on"})

    events = AuditEvent.objects.filter(account_id=eve.pk)

    assert {"account.created", "email.verified", "password.reset"} <= set(events.values_list("action", flat=True))
    assert set(events.values_list("actor_id", flat=True)) == {eve.pk}
