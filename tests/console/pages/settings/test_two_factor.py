"""Second factors: set up, shown, removed."""

from http import HTTPStatus

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.internal.auth import WebAuthn
from django.test import Client

from tests.support.sign_in import actions_of, code_of, sign_in, stale, verify

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("commits")]
AREA = "/settings/security"
PAGES = [
    "/two-factor/app",
    "/two-factor/app/remove",
    "/two-factor/codes",
    "/two-factor/codes/new",
    "/two-factor/codes/file",
    "/passkeys/add",
]


@pytest.fixture
def here(ada) -> Client:
    return sign_in(verify(ada))[0]


@pytest.fixture
def with_app(here) -> Client:
    """A browser in which Ada has just set up an authenticator app."""
    here.get(f"{AREA}/two-factor/app")
    response = here.post(f"{AREA}/two-factor/app", {"code": code_of(here.session["mfa.totp.secret"])})
    assert response["Location"] == f"{AREA}/two-factor/codes"
    return here


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("method", ["get", "head", "post"])
def test_nothing_of_it_without_a_fresh_sign_in(with_app, page, method):
    stale(with_app)
    response = getattr(with_app, method)(AREA + page)
    assert response.status_code == HTTPStatus.METHOD_NOT_ALLOWED or response["Location"].startswith("/sign-in/confirm?")
    assert Authenticator.objects.count() == 2


@pytest.mark.parametrize("code", ["", "abc", "00000", "\x00", "1" * 10_000])
def test_a_wrong_code_sets_up_nothing(here, code):
    here.get(f"{AREA}/two-factor/app")
    response = here.post(f"{AREA}/two-factor/app", {"code": code})
    assert response.context["form"].errors["code"]
    assert not Authenticator.objects.exists()


@pytest.mark.parametrize("page", ["/two-factor/app/remove", "/two-factor/codes", "/two-factor/codes/file"])
def test_what_is_not_there(here, page):
    assert here.get(AREA + page).status_code == HTTPStatus.NOT_FOUND


@pytest.mark.parametrize("number", ["0", "1", "999999999999999999999999999"])
@pytest.mark.parametrize("what", ["rename", "remove"])
def test_passkeys_of_nobody(here, number, what):
    for method in (here.get, here.post):
        assert method(f"{AREA}/passkeys/{number}/{what}", {"name": "x"}).status_code == HTTPStatus.NOT_FOUND


@pytest.mark.parametrize(
    "credential",
    ["", "null", "[]", "{}", '{"id": "\\ud800"}', '{"response": {"attestationObject": "AAAA"}}', '{"a":' * 5000],
)
def test_a_hostile_passkey_is_not_added(here, credential):
    here.get(f"{AREA}/passkeys/add")
    response = here.post(f"{AREA}/passkeys/add", {"name": "key", "credential": credential})
    assert response.status_code == HTTPStatus.OK
    assert not Authenticator.objects.exists()


def test_set_up_and_remove_an_app(ada, with_app):
    assert actions_of(ada) == ["sign_in", "two_factor.added", "two_factor.added"]
    codes = with_app.get(f"{AREA}/two-factor/codes")
    assert len(codes.context["unused_codes"]) == 10
    file = with_app.get(f"{AREA}/two-factor/codes/file")
    assert codes.context["unused_codes"][0] in file.content.decode()
    assert "no-store" in file["Cache-Control"]
    page = with_app.get(AREA)
    assert page.context["codes_left"] == 10
    assert with_app.post(f"{AREA}/two-factor/app/remove", follow=True).status_code == HTTPStatus.OK
    assert not Authenticator.objects.exists()
    assert actions_of(ada)[-2:] == ["two_factor.removed"] * 2


def test_the_secret_and_the_codes_are_on_no_trail(ada, with_app):
    from accounts.models import AuditEvent

    codes = with_app.get(f"{AREA}/two-factor/codes").context["unused_codes"]
    secret = Authenticator.objects.get(type="totp").data["secret"]
    trail = str(list(AuditEvent.objects.values_list("details", flat=True)))
    assert not any(text in trail for text in [secret, *codes])


def test_new_codes_replace_the_old(with_app):
    before = with_app.get(f"{AREA}/two-factor/codes").context["unused_codes"]
    assert with_app.post(f"{AREA}/two-factor/codes/new")["Location"] == f"{AREA}/two-factor/codes"
    assert not set(before) & set(with_app.get(f"{AREA}/two-factor/codes").context["unused_codes"])


def test_a_passkey_is_offered_for_the_public_url_only(here, settings):
    settings.PUBLIC_URL = "https://latchkey.example"
    options = here.get(f"{AREA}/passkeys/add").context["js_data"]["creation_options"]
    assert options["publicKey"]["rp"]["id"] == "latchkey.example"


def test_rename_and_remove_a_passkey(ada, ben, here):
    mine = WebAuthn.add(ada, "phone", {"id": "x"}).instance
    url = f"{AREA}/passkeys/{mine.pk}"
    bens, _ = sign_in(verify(ben))
    assert bens.post(f"{url}/remove").status_code == HTTPStatus.NOT_FOUND
    assert here.post(f"{url}/rename", {"name": ""}).context["form"].errors["name"]
    here.post(f"{url}/rename", {"name": "laptop"})
    assert WebAuthn(Authenticator.objects.get()).name == "laptop"
    assert "laptop" in here.get(f"{url}/remove").content.decode()
    here.post(f"{url}/remove")
    assert not Authenticator.objects.exists()


def test_the_change_and_its_line_are_one_transaction(ada, here, monkeypatch):
    here.get(f"{AREA}/two-factor/app")
    code = code_of(here.session["mfa.totp.secret"])
    monkeypatch.setattr("accounts.audit.AuditEvent.objects.create", lambda **row: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        here.post(f"{AREA}/two-factor/app", {"code": code})
    assert not Authenticator.objects.exists()
