"""What was encrypted with a secret that the server does not know: an operation that needs it fails, and says so."""

import logging
from http import HTTPStatus

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal import auth as totp
from django.db.models import TextField
from django.db.models.functions import Cast
from django.test import Client

from accounts.lib.encrypted_text import UnreadableText
from accounts.models import AuditEvent
from resources.actors import environment
from resources.kinds import Kind
from resources.models import Build, EnvironmentVariable, SourceType, Webhook
from tests.support.api import message_of
from tests.support.cast import PASSWORD
from tests.support.factories import make_webhook
from tests.support.work_stage import actor_of, built

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("commits")]


def test_a_second_factor_that_cannot_be_read_is_refused_and_logged(ada, settings, caplog):
    totp.TOTP.activate(ada, totp.generate_totp_secret())
    browser = Client()
    browser.post("/sign-in", {"login": "ada", "password": PASSWORD})
    settings.SECRET_KEY_FALLBACKS = []
    ada.authenticator_set.update(data={"secret": "encrypted with another"})

    with caplog.at_level(logging.ERROR, "accounts.adapters"):
        page = browser.post("/sign-in/second-step", {"code": "123456"})

    assert "The server cannot read this second factor." in page.content.decode()
    assert "another SECRET_KEY" in caplog.text
    assert "_auth_user_id" not in browser.session


def test_a_source_url_that_cannot_be_read_fails_the_build(ada, settings, caplog):
    actor = actor_of(ada, {"main.py": ""})
    version = actor.versions.get()
    version.source_type, version.source_url = SourceType.GIT_REPO, "https://git.example/x.git"
    version.save()
    settings.SECRET_KEY = "another secret " * 4

    build = built(actor)

    assert build.status == "FAILED"
    assert "another SECRET_KEY" in build.status_message
    assert "another SECRET_KEY" in caplog.text


AREA = "/settings/security/two-factor"
UNREADABLE = "encrypted with another"


@pytest.fixture
def with_factors(ada) -> dict[str, str]:
    """An authenticator app and recovery codes of Ada's; returns the secret of the first and one of the second."""
    secret = totp.generate_totp_secret()
    totp.TOTP.activate(ada, secret)
    return {"totp": secret, "recovery_codes": RecoveryCodes.activate(ada).get_unused_codes()[0]}


def damage(factor: str) -> None:
    name = {"totp": "secret", "recovery_codes": "seed"}[factor]
    for each in Authenticator.objects.filter(type=factor):
        each.data[name] = UNREADABLE
        each.save()


def code_for(known: dict[str, str], factor: str) -> str:
    if factor == "recovery_codes":
        return known[factor]
    return totp.format_hotp_value(totp.hotp_value(known[factor], next(iter(totp.yield_hotp_counters_from_time()))))


def second_step(code: str):
    browser = Client()
    browser.post("/sign-in", {"login": "ada", "password": PASSWORD})
    return browser, browser.post("/sign-in/second-step", {"code": code})


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize("damaged", ["totp", "recovery_codes"])
def test_the_factor_that_can_be_read_signs_in_beside_one_that_cannot(ada, with_factors, damaged, order):
    factors = list(Authenticator.objects.order_by("pk"))
    for number, factor in enumerate(factors[::order], start=1000):
        Authenticator.objects.filter(pk=factor.pk).update(id=number)
    damage(damaged)
    other = ({"totp", "recovery_codes"} - {damaged}).pop()
    browser, page = second_step("000000")
    said = page.content.decode()
    assert "This code is not right, or no longer." in said
    assert {
        "totp": "The server cannot read the secret of your authenticator app: use a recovery code.",
        "recovery_codes": "The server cannot read your recovery codes: use your authenticator app.",
    }[damaged] in said
    assert "_auth_user_id" not in browser.session
    assert AuditEvent.objects.filter(account_id=ada.pk, action="sign_in.failed").count() == 1

    browser, page = second_step(code_for(with_factors, other))
    assert page.status_code == HTTPStatus.FOUND
    assert browser.session["_auth_user_id"] == ada.pk


@pytest.mark.parametrize("damaged", ["totp", "recovery_codes"])
def test_the_page_of_security_says_which_second_factor_cannot_be_read(ada, signed_in, with_factors, damaged):
    browser = signed_in(ada)
    assert "cannot be read" not in browser.get("/settings/security").content.decode()
    damage(damaged)
    page = browser.get("/settings/security")
    assert page.status_code == HTTPStatus.OK
    assert page.content.decode().count("cannot be read") == 1


@pytest.mark.parametrize("path", ["/codes", "/codes/file"])
def test_recovery_codes_that_cannot_be_read_are_said_to_be_and_made_anew(ada, with_factors, path):
    browser, _ = second_step(with_factors["recovery_codes"])
    damage("recovery_codes")
    page = browser.get(AREA + path)
    assert page.status_code == HTTPStatus.OK
    assert "The server cannot read these codes" in page.content.decode()
    assert f"{AREA}/codes/new" in page.content.decode()
    assert "You have none that work." in browser.get(f"{AREA}/codes/new").content.decode()
    assert browser.post(f"{AREA}/codes/new", follow=True).status_code == HTTPStatus.OK
    assert len(browser.get(f"{AREA}/codes").context["unused_codes"]) == 10


@pytest.fixture
def hidden_url(ada):
    """The version of an Actor of Ada's whose source URL cannot be read."""
    version = actor_of(ada, {"main.py": ""}).versions.get()
    version.source_type, version.source_url = SourceType.GIT_REPO, UnreadableText(UNREADABLE)
    version.save()
    return version


def test_the_pages_and_the_api_say_that_a_source_url_cannot_be_read(ada, api, signed_in, hidden_url):
    actor, browser = hidden_url.actor, signed_in(ada)
    build = built(actor)
    for page in (f"{actor.console_path}/source", f"{build.console_path}/source"):
        assert "It cannot be read: it was encrypted with another secret" in browser.get(page).content.decode()
    version = api(ada).get(f"/v2/actors/{actor.pk}/versions/{hidden_url.number}").json()["data"]
    assert version["gitRepoUrl"] is None
    of_build = api(ada).get(f"/v2/actor-builds/{build.pk}").json()["data"]
    assert of_build["actVersion"]["gitRepoUrl"] is None


@pytest.fixture
def hidden_variable(ada):
    """An Actor of Ada's with two secret variables, of which one cannot be read."""
    actor = actor_of(ada, {"main.py": ""})
    version = actor.versions.get()
    for name in ("FIRST", "SECOND"):
        environment.set_variable(version, name, "x", by=ada.principal, is_secret=True)
    EnvironmentVariable.objects.filter(name="SECOND").update(value=UNREADABLE)
    return actor


def test_a_build_with_a_secret_variable_that_cannot_be_read_is_refused(ada, api, signed_in, hidden_variable):
    said = (
        "The secret variable SECOND cannot be read: it was encrypted with another SECRET_KEY. Give it its value again."
    )
    answer = api(ada).post(f"/v2/actors/{hidden_variable.pk}/builds?version=0.1")
    assert answer.status_code == HTTPStatus.BAD_REQUEST
    assert message_of(answer) == said
    page = signed_in(ada).post(f"{hidden_variable.console_path}/build", {"version": "0.1", "tag": ""})
    assert said in page.content.decode()
    assert not Build.objects.exists()


def test_the_page_of_the_source_says_which_secret_variable_cannot_be_read(ada, signed_in, hidden_variable):
    page = signed_in(ada).get(f"{hidden_variable.console_path}/source").content.decode()
    assert page.count("Cannot be read") == 1


def test_a_webhook_whose_headers_cannot_be_read_is_shown_and_keeps_them_until_it_gets_others(ada, api, make_resource):
    actor = make_resource(Kind.ACTOR, ada, name="finder")
    webhook = make_webhook(ada, actor=actor, headers_template=UnreadableText(UNREADABLE))
    path, client = f"/v2/webhooks/{webhook.pk}", api(ada)
    assert client.get(path).json()["data"]["headersTemplate"] is None
    changed = client.put(path, {"description": "mine"}, content_type="application/json")
    assert changed.status_code == HTTPStatus.OK
    assert Webhook.objects.annotate(stored=Cast("headers_template", TextField())).get().stored == UNREADABLE
    client.put(path, {"headersTemplate": '{"a": "b"}'}, content_type="application/json")
    assert Webhook.objects.get().headers_template == '{"a": "b"}'
