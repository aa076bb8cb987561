"""How often passwords and codes are tried from one address, and who behind it is not held up by the others."""

from http import HTTPStatus

import pytest
from allauth.mfa.totp.internal import auth as totp
from django.test import Client

from tests.support.cast import PASSWORD
from tests.support.sign_in import WRONG, attempt, is_refused, sign_in

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("commits")]
HERE = "127.0.0.1"


@pytest.fixture
def known(ada) -> Client:
    """Return a browser that ada has signed in with, and out again."""
    browser, _ = sign_in(ada)
    browser.post("/sign-out")
    return browser


def test_others_behind_the_same_address_do_not_lock_out_a_known_browser(ada, known):
    refused = [is_refused(attempt(f"nobody-{number}", WRONG, HERE)) for number in range(40)]

    assert refused[:10] == [False] * 10
    assert is_refused(attempt("ada", PASSWORD, HERE))
    assert attempt("ada", PASSWORD, HERE, known).status_code == HTTPStatus.FOUND


def test_a_known_browser_is_counted_with_its_address_for_another_account(ada, ben, known):
    for number in range(10):
        assert not is_refused(attempt(f"nobody-{number}", WRONG, HERE, known))

    assert is_refused(attempt("ben", PASSWORD, HERE, known))


def test_wrong_passwords_of_a_known_browser_do_not_lock_out_others_behind_its_address(ada, ben, known):
    for _ in range(10):
        assert not is_refused(attempt("ada", WRONG, HERE, known))

    assert is_refused(attempt("ada", PASSWORD, HERE, known))
    assert attempt("ben", PASSWORD, HERE).status_code == HTTPStatus.FOUND


def test_right_passwords_of_unknown_browsers_are_limited_too_for_each_costs_a_hash(ada):
    for _ in range(30):
        assert attempt("ada", PASSWORD).status_code == HTTPStatus.FOUND

    assert attempt("ada", PASSWORD).status_code != HTTPStatus.FOUND
    assert attempt("ada", PASSWORD, "203.0.113.2").status_code == HTTPStatus.FOUND


def test_codes_are_counted_by_account_and_not_by_address(ada, ben):
    for account in (ada, ben):
        totp.TOTP.activate(account, totp.generate_totp_secret())

    def answer_to_wrong_code(account, address: str) -> str:
        browser = Client()
        attempt(account.username, PASSWORD, address, browser)
        answer = browser.post("/sign-in/second-step", {"code": "abcdef"}, REMOTE_ADDR=address)
        return answer.content.decode()

    for number in range(10):
        assert "This code is not right" in answer_to_wrong_code(ada, f"203.0.113.{number}")

    assert "Too many failed attempts" in answer_to_wrong_code(ada, "203.0.113.99")
    assert "This code is not right" in answer_to_wrong_code(ben, "203.0.113.0")
