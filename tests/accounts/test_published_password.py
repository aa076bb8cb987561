"""The demo's published password: it opens nothing where others than this machine can come."""

import io
import os
import re
import subprocess
import sys
from contextlib import contextmanager
from http import HTTPStatus
from http.cookiejar import CookieJar
from urllib.error import HTTPError
from urllib.parse import urlencode, urlsplit
from urllib.request import HTTPCookieProcessor, Request, build_opener

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.test import Client

from accounts import published_password
from accounts.deployment import exposure
from accounts.models import Account, AuditEvent
from accounts.published_password import PUBLISHED_PASSWORD
from console.demo import loading
from tests.support.cast import PASSWORD
from tests.support.ports import free_port
from tests.support.sign_in import actions_of, is_signed_in, link_in_mail, sign_in, stale, verify

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("commits")]
NEW = "another horse battery"


@pytest.fixture
def demo() -> Account:
    """The demo as it is loaded on loopback; the fixture's value is its first account."""
    loading.load(local=True)
    return Account.objects.get(username="ada")


@pytest.fixture
def reach(monkeypatch):
    """Say who can reach the deployment from now on."""

    def say(*ways: str) -> None:
        monkeypatch.setattr(exposure, "exposure_reasons", lambda: list(ways))

    return say


@pytest.mark.parametrize("login", ["ada", "ADA", "ada@example.com"])
def test_it_does_not_sign_in_where_others_can_come(demo, exposed, login):
    client = Client()
    response = client.post("/sign-in", {"login": login, "password": PUBLISHED_PASSWORD})
    assert response.context["form"].non_field_errors() == ["The username or email and the password do not match."]
    assert not is_signed_in(client)
    assert actions_of(demo)[-1] == "sign_in.failed"


def test_it_signs_in_on_loopback_and_again_after_coming_back(demo, reach):
    for ways, signs_in in (((), True), (("A server listens on 0.0.0.0.",), False), ((), True)):
        reach(*ways)
        client, _ = sign_in(demo, password=PUBLISHED_PASSWORD)
        assert is_signed_in(client) is signs_in


def test_it_does_not_confirm_again(demo, reach):
    reach()
    client = stale(sign_in(demo, password=PUBLISHED_PASSWORD)[0])
    reach("A server listens on 0.0.0.0.")
    page = "/settings/security/two-factor/app"
    client.post("/sign-in/confirm", {"password": PUBLISHED_PASSWORD, "next": page})
    assert client.get(page)["Location"].startswith("/sign-in/confirm")


def test_other_accounts_that_have_it_are_not_let_in_either(ada, exposed):
    verify(ada)
    ada.set_password(PUBLISHED_PASSWORD)
    ada.save()
    assert not is_signed_in(sign_in(ada, password=PUBLISHED_PASSWORD)[0])


def test_other_passwords_sign_in_where_others_can_come(ada, exposed):
    assert is_signed_in(sign_in(verify(ada))[0])


def test_a_demo_account_with_another_password_signs_in(demo, exposed, mailoutbox):
    demo.set_password(NEW)
    demo.save()
    assert is_signed_in(sign_in(demo, password=NEW)[0])


# Choosing it


def test_nobody_can_choose_it(ada, mailoutbox):
    why = "This password is published in the documentation."
    verify(ada)
    up = Client().post("/sign-up", {"username": "eve", "email": "eve@example.com", "password1": PUBLISHED_PASSWORD})
    assert why in up.context["form"].errors["password1"]
    here, _ = sign_in(ada)
    both = {"password1": PUBLISHED_PASSWORD, "password2": PUBLISHED_PASSWORD}
    changed = here.post("/settings/security/password", {"oldpassword": PASSWORD, **both})
    assert why in changed.context["form"].errors["password1"]
    Client().post("/reset-password", {"email": "ada@example.com"})
    client = Client()
    path = client.get(link_in_mail(), follow=True).redirect_chain[-1][0]
    assert why in client.post(path, both).context["form"].errors["password1"]
    with pytest.raises(CommandError, match="published"):
        call_command("create_account", "eve", "--email", "eve@example.com", "--password", PUBLISHED_PASSWORD)
    ada.refresh_from_db()
    assert ada.check_password(PASSWORD)


# What it opened


def test_sessions_and_tokens_of_accounts_that_have_it_end(demo, ben_of_demo, reach, api):
    reach()
    client, token = sign_in(demo, password=PUBLISHED_PASSWORD)[0], api(demo)
    others = api(ben_of_demo)
    ben_of_demo.set_password(NEW)
    ben_of_demo.save()
    published_password.revoke_access()
    assert is_signed_in(client), "on loopback nothing ends"
    reach("A server listens on 0.0.0.0.")
    assert published_password.revoke_access() == [demo]
    assert not is_signed_in(client)
    assert token.get("/v2/users/me").status_code == HTTPStatus.UNAUTHORIZED
    assert others.get("/v2/users/me").status_code == HTTPStatus.OK, "ben has another password"
    assert actions_of(demo)[-1] == "account.published_password_closed"
    assert published_password.revoke_access() == []
    assert AuditEvent.objects.filter(action="account.published_password_closed").count() == 1


@pytest.fixture
def ben_of_demo(demo) -> Account:
    return Account.objects.get(username="ben")


def test_later_starts_hash_no_password(demo, exposed, monkeypatch):
    monkeypatch.setattr(Account, "check_password", lambda *args: pytest.fail("a password was hashed"))
    assert published_password.revoke_access() == []
    published_password.accounts_with_published_password()


def test_accounts_that_have_had_another_one_are_not_named(demo, ben_of_demo, on_loopback):
    client, _ = sign_in(demo, password=PUBLISHED_PASSWORD)
    client.post("/settings/security/password", {"oldpassword": PUBLISHED_PASSWORD, "password1": NEW, "password2": NEW})
    assert [account.username for account in published_password.accounts_with_published_password()] == [
        "ben",
        "cleo",
        "dan",
    ]
    shown = {person.username: person.password for person in loading.people_present()}
    assert shown == {"ada": None, "ben": PUBLISHED_PASSWORD, "cleo": PUBLISHED_PASSWORD, "dan": PUBLISHED_PASSWORD}


# The start


def prepared() -> str:
    printed = io.StringIO()
    call_command("serve", "--prepare-only", stdout=printed)
    return printed.getvalue()


def test_the_start_says_how_to_set_another_one(demo, exposed, monkeypatch):
    monkeypatch.setenv("HOST", "127.0.0.1")
    said = prepared()
    assert "A server on web1 listens on 0.0.0.0." in said
    assert re.search(r"manage\.py reset_link ada", said)
    assert PUBLISHED_PASSWORD not in said


def test_the_start_on_loopback_prints_it(demo, on_loopback):
    said = prepared()
    assert PUBLISHED_PASSWORD in said
    assert "reset_link" not in said


def test_a_bind_address_that_is_only_prepared_for_counts(on_loopback, monkeypatch):
    monkeypatch.setenv("HOST", "0.0.0.0")
    monkeypatch.setenv("DEMO", "1")
    prepared()
    assert not any(account.check_password(PUBLISHED_PASSWORD) for account in Account.objects.all())


# The same data, really served on loopback, to others, and on loopback again


class Browser:
    """A client of a real server, with cookies."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._opener = build_opener(HTTPCookieProcessor(CookieJar()))

    def get(self, path: str, **headers: str) -> tuple[int, str, str]:
        """Return the status, the last address and the text."""
        return self._open(Request(self._url + path, headers=headers))  # a URL of ours

    def post(self, path: str, page: str, fields: dict[str, str]) -> tuple[int, str, str]:
        """Send the form of a page."""
        found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', self.get(page)[2])
        token = found[1] if found else ""
        body = urlencode({**fields, "csrfmiddlewaretoken": token}).encode()
        return self._open(Request(self._url + path, body, {"Origin": self._url}))  # a URL of ours

    def _open(self, request: Request) -> tuple[int, str, str]:
        try:
            with self._opener.open(request, timeout=30) as response:
                return response.status, response.url, response.read().decode()
        except HTTPError as error:
            return error.code, error.url, error.read().decode()

    def with_cookies_of(self, other: "Browser") -> "Browser":
        """Return a client of this server that has the cookies of another one."""
        browser = Browser(self._url)
        browser._opener = other._opener
        return browser

    def signs_in(self) -> bool:
        self.post("/sign-in", "/sign-in", {"login": "ada", "password": PUBLISHED_PASSWORD})
        return self.is_signed_in()

    def is_signed_in(self) -> bool:
        return urlsplit(self.get("/settings")[1]).path == "/settings"


@contextmanager
def serving(data, **environment: str):
    """Serve what lies in a directory by `manage.py serve` until the block ends."""
    port = free_port()
    unwanted = ("DATABASE_URL", "LOG_LEVEL", "PUBLIC_URL", "HOST", "SIGN_UP", "ALLOWED_HOSTS")
    given = {name: value for name, value in os.environ.items() if name not in unwanted}
    given |= {"DJANGO_SETTINGS_MODULE": "console.settings", "DATA_DIR": str(data), "PORT": str(port), "WORKER": "0"}
    given |= {"PYTHONUNBUFFERED": "1", "WEB_WORKERS": "1", "ACCESS_LOG": "0", "SECRET_KEY": "only-for-tests-" * 5}
    command = [sys.executable, "manage.py", "serve"]
    process = subprocess.Popen(
        command,
        cwd=settings.BASE_DIR,
        env=given | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        said = ""
        for line in process.stdout or ():
            said += line
            if "Booting worker" in line:  # its socket listens, so that a request waits for it
                break
        yield Browser(f"http://localhost:{port}"), said
    finally:
        process.terminate()
        process.wait(30)


def test_the_same_data_served_to_others_and_on_loopback_again(tmp_path):
    integrations = "/settings/integrations"
    with serving(tmp_path, DEMO="1") as (before, _):
        assert before.signs_in()
        page = before.post(integrations, integrations, {"name": "t", "lifetime": "never", "access": "full"})[2]
    token = re.search(r"latchkey_api_[0-9a-zA-Z]{36}", page)
    assert token
    with serving(tmp_path, HOST="0.0.0.0") as (elsewhere, said):
        assert not elsewhere.signs_in()
        with_session = elsewhere.with_cookies_of(before)
        assert not with_session.is_signed_in()
        assert elsewhere.get("/v2/users/me", Authorization=f"Bearer {token[0]}")[0] == HTTPStatus.UNAUTHORIZED
    assert "reset_link ada" in said
    with serving(tmp_path) as (again, _):
        assert again.signs_in()
