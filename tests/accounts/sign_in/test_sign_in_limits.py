"""How often a password may be wrong, what tells nothing by its time, and how long a session lasts."""

import os
import subprocess
import sys
from datetime import timedelta
from http import HTTPStatus

import pytest
from django.contrib.auth.hashers import MD5PasswordHasher
from django.core.cache import caches
from django.test import Client
from django.utils import timezone

from accounts import tokens
from accounts.models import SignInAddress
from accounts.sign_in import sessions, sign_in_limits
from resources.kinds import Kind
from tests.support.cast import PASSWORD
from tests.support.sign_in import WRONG, actions_of, attempt, is_refused, link_in_mail, sign_in

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("commits")]


@pytest.fixture(autouse=True)
def no_limit_by_address_alone(monkeypatch, settings):
    """Leave only the limits that are tested here."""
    settings.ACCOUNT_RATE_LIMITS = {**settings.ACCOUNT_RATE_LIMITS, "signup": "10000/m/ip"}
    monkeypatch.setattr(sign_in_limits, "ALL_FROM_ADDRESS", 10_000)
    monkeypatch.setattr(sign_in_limits, "WRONG_FROM_ADDRESS", 10_000)


def test_five_wrong_passwords_from_an_address_stop_that_address_only(ada):
    for _ in range(5):
        assert not is_refused(attempt("ada", WRONG))

    assert is_refused(attempt("ada", PASSWORD))
    assert attempt("ada", PASSWORD, "203.0.113.2").status_code == HTTPStatus.FOUND


def test_the_username_and_the_email_are_counted_together(ada):
    for login in ("ada", "ADA", ada.email, ada.email.upper(), "ada "):
        attempt(login, WRONG)

    assert is_refused(attempt("ada", PASSWORD))


def test_an_account_that_does_not_exist_is_limited_alike():
    for _ in range(5):
        assert not is_refused(attempt("nobody-there", WRONG))

    assert is_refused(attempt("nobody-there", WRONG))


def test_fifty_wrong_passwords_from_new_addresses_stop_all_new_addresses(ada):
    attempt("ada", PASSWORD, "198.51.100.7")
    for number in range(50):
        assert not is_refused(attempt("ada", WRONG, f"203.0.113.{number}"))

    assert is_refused(attempt("ada", PASSWORD, "203.0.113.200"))
    assert attempt("ada", PASSWORD, "198.51.100.7").status_code == HTTPStatus.FOUND


def test_an_address_that_signed_in_long_ago_is_new_again(ada):
    attempt("ada", PASSWORD, "198.51.100.7")
    SignInAddress.objects.update(last_at=timezone.now() - sign_in_limits.ADDRESS_COUNTS_FOR)
    for number in range(50):
        attempt("ada", WRONG, f"203.0.113.{number}")

    assert is_refused(attempt("ada", PASSWORD, "198.51.100.7"))


def test_a_browser_that_was_used_before_is_not_locked_out_by_others(ada):
    browser, _ = sign_in(ada)
    browser.post("/sign-out")
    for number in range(50):
        attempt("ada", WRONG, f"203.0.113.{number}")
    for _ in range(5):
        attempt("ada", WRONG, "127.0.0.1")

    assert is_refused(attempt("ada", PASSWORD, "127.0.0.1"))
    assert attempt("ada", PASSWORD, "127.0.0.1", browser).status_code == HTTPStatus.FOUND


def test_a_browser_that_was_used_before_has_a_limit_of_its_own(ada):
    browser, _ = sign_in(ada)
    browser.post("/sign-out")
    for _ in range(sign_in_limits.BY_BROWSER):
        assert not is_refused(attempt("ada", WRONG, client=browser))

    assert is_refused(attempt("ada", PASSWORD, client=browser))


def test_a_browser_is_known_to_the_accounts_that_signed_in_with_it_only(ada, ben):
    browser, _ = sign_in(ada)
    browser.post("/sign-out")
    for _ in range(5):
        attempt("ben", WRONG, "127.0.0.1", browser)

    assert is_refused(attempt("ben", PASSWORD, "127.0.0.1", browser))


def test_a_forged_cookie_is_no_known_browser(ada, settings):
    browser = Client()
    browser.cookies[settings.KNOWN_BROWSER_COOKIE_NAME] = f'{{"{ada.pk}": "x"}}'
    for _ in range(5):
        attempt("ada", WRONG, client=browser)

    assert is_refused(attempt("ada", PASSWORD, client=browser))


def test_right_passwords_are_not_counted(ada):
    for _ in range(8):
        assert attempt("ada", PASSWORD).status_code == HTTPStatus.FOUND


def test_sign_up_hashes_a_password_as_often_for_an_email_that_has_an_account(ada, monkeypatch, mailoutbox):
    hashed = []
    encode = MD5PasswordHasher.encode
    monkeypatch.setattr(MD5PasswordHasher, "encode", lambda self, *given: hashed.append(1) or encode(self, *given))

    counts = []
    for username, email in (("eve", "eve@example.com"), ("finn", ada.email)):
        hashed.clear()
        response = Client().post("/sign-up", {"username": username, "email": email, "password1": PASSWORD})
        assert response["Location"] == "/verify-email"
        counts.append(len(hashed))

    assert counts[0] == counts[1] > 0
    assert len(mailoutbox) == 2


@pytest.mark.parametrize("password", ["ada-ada-ada", "ada@example.com1", "latchkey2026", "password1234"])
def test_a_password_that_is_easily_guessed_is_refused(ada, password):
    browser, _ = sign_in(ada)

    page = browser.post(
        "/settings/security/password", {"oldpassword": PASSWORD, "password1": password, "password2": password}
    )

    assert page.status_code == HTTPStatus.OK
    assert page.context["form"].errors["password1"]
    ada.refresh_from_db()
    assert ada.check_password(PASSWORD)


def test_changing_the_password_ends_other_sessions_and_keeps_tokens_unless_asked(ada):
    browser, _ = sign_in(ada)
    other, _ = sign_in(ada)
    text = tokens.create(ada, "script", by=ada.principal)[1]
    new = {"oldpassword": PASSWORD, "password1": "another horse battery", "password2": "another horse battery"}

    browser.post("/settings/security/password", new)

    assert other.get("/settings").status_code == HTTPStatus.FOUND
    assert browser.get("/settings").status_code == HTTPStatus.OK
    assert tokens.resolve(text).account_id == ada.pk


def test_changing_the_password_revokes_the_tokens_when_asked(ada):
    browser, _ = sign_in(ada)
    text = tokens.create(ada, "script", by=ada.principal)[1]
    new = {"oldpassword": PASSWORD, "password1": "another horse battery", "password2": "another horse battery"}

    browser.post("/settings/security/password", {**new, "end_tokens": "on"})

    with pytest.raises(tokens.UnknownToken):
        tokens.resolve(text)
    assert "token.revoked" in actions_of(ada)


def test_a_reset_revokes_the_tokens_when_asked(ada, mailoutbox):
    text = tokens.create(ada, "script", by=ada.principal)[1]
    browser = Client()
    browser.post("/reset-password", {"email": ada.email})
    form = browser.get(link_in_mail())["Location"]

    browser.post(form, {"password1": "another horse battery", "password2": "another horse battery", "end_tokens": "on"})

    with pytest.raises(tokens.UnknownToken):
        tokens.resolve(text)


def let_time_pass(browser: Client, **fields: int) -> None:
    """Change what a session says of its times, and let the next request be one that looks at them."""
    session = browser.session
    for name, seconds in fields.items():
        session[name] -= seconds
    session.save()
    caches["process"].clear()


def test_a_session_ends_ninety_days_after_the_sign_in_however_often_it_is_used(ada):
    browser, _ = sign_in(ada)
    let_time_pass(browser, signed_in_at=int(sessions.LONGEST.total_seconds()) - 100)
    assert browser.get("/settings").status_code == HTTPStatus.OK

    let_time_pass(browser, signed_in_at=100)

    assert browser.get("/settings").status_code == HTTPStatus.FOUND


def test_a_session_that_is_used_gets_another_fourteen_days(ada, settings):
    browser, _ = sign_in(ada)
    days = timedelta(seconds=settings.SESSION_COOKIE_AGE)
    assert days == timedelta(days=14)
    let_time_pass(browser, extended_at=sessions.EXTENDED_AT_MOST_EVERY)

    response = browser.get("/settings")

    assert response.cookies[settings.SESSION_COOKIE_NAME]["max-age"] == settings.SESSION_COOKIE_AGE
    assert browser.session.get_expiry_date() > timezone.now() + days - timedelta(minutes=5)


def test_a_session_from_before_gets_the_time_of_its_sign_in(ada):
    browser, _ = sign_in(ada)
    session = browser.session
    del session["signed_in_at"], session["extended_at"]
    session.save()
    caches["process"].clear()

    assert browser.get("/settings").status_code == HTTPStatus.OK
    assert browser.session["signed_in_at"]


def test_emails_about_access_are_limited_for_giver_and_recipient(ada, ben, make_resource, give, mailoutbox):
    for number in range(30):
        give(make_resource(Kind.DATASET, ada, name=f"prices-{number}"), ben)

    assert len(mailoutbox) == 10


@pytest.mark.parametrize(
    ("url", "prefix"), [("https://latchkey.example.com", "__Host-"), ("http://localhost:8000", "")]
)
def test_cookies_are_kept_to_their_host_over_https(url, prefix, tmp_path):
    names = ["SESSION_COOKIE_NAME", "CSRF_COOKIE_NAME", "MESSAGES_COOKIE_NAME", "KNOWN_BROWSER_COOKIE_NAME"]
    program = f"from console import settings; print(*[getattr(settings, name) for name in {names}])"
    environment = {**os.environ, "PUBLIC_URL": url, "DATA_DIR": str(tmp_path)}

    printed = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )

    assert printed.stdout.split() == [
        f"{prefix}{name}" for name in ("sessionid", "csrftoken", "messages", "known_browser")
    ]
