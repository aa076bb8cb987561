"""API tokens: refused, made, shown once, used, revoked."""

from datetime import timedelta
from http import HTTPStatus

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone

from accounts import tokens
from accounts.models import ApiToken, AuditEvent
from accounts.principal import Scope
from resources.kinds import Kind
from tests.support.cast import PASSWORD
from tests.support.sign_in import actions_of, sign_in, stale, verify

pytestmark = pytest.mark.django_db
FULL = {"name": "crawler", "lifetime": "never", "access": "full"}
URL = "/settings/integrations"


@pytest.fixture
def here(ada) -> Client:
    return sign_in(verify(ada))[0]


# What a token is refused for


@pytest.mark.parametrize("text", ["", " ", "latchkey_api_", "nonsense", "\ud800", "\x00", "ü", "x" * 100_000])
def test_unknown_tokens_speak_for_nobody(ada, text):
    with pytest.raises(tokens.UnknownToken):
        tokens.resolve(text)


def test_revoked_expired_and_inactive(ada, token_of):
    revoked, gone, asleep = token_of(ada), token_of(ada, expires_at=timezone.now()), token_of(ada)
    tokens.revoke(ApiToken.objects.get(hint=revoked[-4:]), by=ada.principal)
    for text in (revoked, gone):
        with pytest.raises(tokens.UnknownToken):
            tokens.resolve(text)
    assert tokens.resolve(asleep).account_id == ada.pk
    ada.is_active = False
    ada.save()
    with pytest.raises(tokens.UnknownToken):
        tokens.resolve(asleep)


def test_only_the_hash_is_kept(ada, token_of):
    text = token_of(ada)
    row = ApiToken.objects.values().get()
    assert text not in str({**row, "digest": bytes(row["digest"])})
    assert text not in str(list(AuditEvent.objects.values()))


def test_last_used_is_saved_by_the_counter(ada, token_of):
    text = token_of(ada)
    tokens.resolve(text)
    assert ApiToken.objects.get().last_used_at is None
    tokens.last_use.flush()
    assert ApiToken.objects.get().last_used_at is not None


# The form


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"name": "\x00"}, "name"),
        ({"lifetime": "8"}, "lifetime"),
        ({"lifetime": ""}, "lifetime"),
        ({"lifetime": "-1"}, "lifetime"),
        ({"lifetime": "date"}, "expires_on"),
        ({"lifetime": "date", "expires_on": "2020-01-01"}, "expires_on"),
        ({"lifetime": "date", "expires_on": "tomorrow"}, "expires_on"),
        ({"lifetime": "date", "expires_on": "99999-01-01"}, "expires_on"),
        ({"access": ""}, "access"),
        ({"access": "everything"}, "access"),
        ({"access": "limited"}, "scope"),
        ({"access": "limited", "scope": ["dataset:RUN"]}, "scope"),
        ({"access": "limited", "scope": ["spaceship:READ"]}, "scope"),
        ({"access": "limited", "scope": ["dataset:nonsense:READ"]}, "scope"),
        ({"access": "limited", "scope": [f"dataset:{'a' * 17}:READ"]}, "scope"),
        ({"access": "limited", "scope": [f"dataset:{'a' * 17}:RUN"]}, "scope"),
        ({"access": "limited", "scope": [f"dataset:{'a' * 17}:a:READ"]}, "scope"),
        ({"access": "limited", "scope": ["dataset::READ", "dataset:", ":", "", "dataset:\x00:READ"]}, "scope"),
        ({"access": "limited", "scope": [f"dataset:{n}:READ" for n in range(101)]}, "scope"),
        ({"description": "x" * 161}, "description"),
        ({"description": "\x00"}, "description"),
        ({"access": "limited", "scope": ["dataset:READ"], "actor_runs": "SOME"}, "actor_runs"),
        ({"lifetime": "kept"}, "lifetime"),
    ],
)
def test_the_form_refuses(here, fields, wrong):
    response = here.post(URL, {**FULL, **fields})
    assert response.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert wrong in response.context["form"].errors
    assert f'id="id_{wrong}_error"' in response.content.decode()
    assert not ApiToken.objects.exists()


def test_ids_of_what_is_not_shared_are_not_told_from_missing(ada, ben, here, make_resource):
    ben.general_access = "RESTRICTED"
    ben.save()
    hidden = make_resource(Kind.DATASET, ben)
    for id_ in (hidden.pk, "0" * 17):
        response = here.post(URL, {**FULL, "access": "limited", "scope": [f"dataset:{id_}:READ"]})
        assert response.context["form"].errors["scope"] == [f"There is no dataset {id_}, or it is not shared with you."]


def test_a_token_needs_a_fresh_sign_in_and_nothing_typed_is_lost(here, ada):
    stale(here)
    limited = {**FULL, "access": "limited", "scope": ["dataset:READ", "run:WRITE"], "lifetime": "30"}
    asked = here.post(URL, limited)
    assert asked["Location"].startswith("/sign-in/confirm?next=")
    assert not ApiToken.objects.exists()
    to = here.get(asked["Location"]).context["redirect_field_value"]
    back = here.post("/sign-in/confirm", {"password": PASSWORD, "next": to})
    form = here.get(back["Location"]).context["form"]
    assert (form["name"].value(), form["lifetime"].value(), form["access"].value()) == ("crawler", "30", "limited")
    assert form["scope"].value() == ["dataset:READ", "run:WRITE"]


def test_the_text_is_shown_exactly_once(here, ada, api):
    response = here.post(URL, FULL)
    text = response.context["text"]
    assert response.content.decode().count(text) == 1
    assert "no-store" in response["Cache-Control"]
    assert text not in here.get(URL).content.decode()
    assert text not in str(dict(here.session))
    assert tokens.resolve(text).account_id == ada.pk
    assert tokens.resolve(text).scope is None
    assert actions_of(ada)[-1] == "token.created"
    assert mail.outbox == []


def test_the_same_form_makes_one_token(here, ada):
    form = {**FULL, "form": here.get(URL).context["form_key"]}
    assert here.post(URL, form).context["text"]
    again = here.post(URL, form)
    assert again["Location"] == URL, "loading the answer again makes nothing"
    assert "no second token was made" in here.get(URL).content.decode()
    assert ApiToken.objects.count() == 1
    assert here.post(URL, {**FULL, "form": here.get(URL).context["form_key"]}).context["text"]


def test_a_refused_form_and_an_unconfirmed_one_can_be_sent_again(here):
    form = {**FULL, "form": here.get(URL).context["form_key"]}
    assert here.post(URL, {**form, "name": ""}).status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert here.post(URL, form).context["text"]


def test_a_limited_token_with_an_end(here, ada, make_resource):
    dataset = make_resource(Kind.DATASET, ada)
    day = (timezone.now() + timedelta(days=3)).date()
    scope = ["actor:RUN", f"dataset:{dataset.pk}:WRITE", f"dataset:{dataset.pk}:READ"]
    fields = {**FULL, "access": "limited", "scope": scope}
    response = here.post(URL, {**fields, "lifetime": "date", "expires_on": day.isoformat()})
    token = response.context["made"]
    assert token.expires_at.date() == day
    assert token.scope == [
        {"kind": "actor", "permissions": ["RUN"], "resourceId": None},
        {"kind": "dataset", "permissions": ["READ", "WRITE"], "resourceId": dataset.pk},
    ]
    principal = tokens.resolve(response.context["text"])
    assert principal.scope == Scope.from_json(token.scope, token_id=token.pk, token_name=token.name)
    assert principal.scope.allows("WRITE", "dataset", dataset.pk)
    assert not principal.scope.allows("WRITE", "dataset", "0" * 17)
    assert not principal.scope.allows("READ", "dataset", None)
    assert f"It can read and write the dataset {dataset.pk}." in response.content.decode()


# Revoking


@pytest.mark.parametrize("token_id", ["0" * 17, "x", "%00", "..%2F", "a" * 5000])
def test_revoking_what_is_not_there(here, token_id):
    for method in (here.get, here.post):
        assert method(f"{URL}/{token_id}/revoke").status_code == HTTPStatus.NOT_FOUND


def test_nobody_revokes_the_token_of_somebody_else(here, ben, token_of):
    text = token_of(ben)
    assert here.post(f"{URL}/{ApiToken.objects.get().pk}/revoke").status_code == HTTPStatus.NOT_FOUND
    assert tokens.resolve(text).account_id == ben.pk


@pytest.mark.parametrize("htmx", [True, False])
def test_revoke_asks_first_and_works_at_once(here, ada, token_of, htmx):
    text = token_of(ada)
    headers = {"HX-Request": "true"} if htmx else {}
    url = f"{URL}/{ApiToken.objects.get().pk}/revoke"
    page = here.get(url, headers=headers).content.decode()
    assert "Revoke the token test?" in page
    assert ("<html" in page) is not htmx
    tokens.resolve(text)
    response = here.post(url, headers=headers)
    assert response["HX-Redirect" if htmx else "Location"] == URL
    with pytest.raises(tokens.UnknownToken):
        tokens.resolve(text)
    assert here.get(url).status_code == HTTPStatus.NOT_FOUND
    assert actions_of(ada)[-1] == "token.revoked"
