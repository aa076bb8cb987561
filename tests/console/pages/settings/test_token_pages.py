"""The pages of API tokens: searched, edited, rotated, and what a token has left."""

from datetime import timedelta
from http import HTTPStatus

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import tokens
from accounts.models import ApiToken
from accounts.organizations import roles
from resources.kinds import Kind
from resources.runs import starting
from resources.runs.tokens import make_run_token
from sharing.models import StorageKey
from tests.support.factories import built_actor, make_resource
from tests.support.organizations import acting, join, make_organization
from tests.support.sign_in import actions_of, sign_in, stale, verify

pytestmark = pytest.mark.django_db
URL = "/settings/integrations"
LIMITED = {"name": "ci", "lifetime": "never", "access": "limited", "actor_runs": "RESTRICTED"}


@pytest.fixture
def here(ada) -> Client:
    return sign_in(verify(ada))[0]


@pytest.fixture
def made(ada):
    return tokens.create(ada, "ci", by=ada.principal)


def is_known(text: str) -> bool:
    try:
        return bool(tokens.resolve(text).account_id)
    except tokens.UnknownToken:
        return False


# Refusals


@pytest.mark.parametrize("path", ["", "/edit", "/rotate", "/revoke", "/end-former-texts"])
def test_a_token_of_another_account_is_not_told_from_one_that_is_not_there(here, ada, ben, path):
    theirs, text = tokens.create(ben, "theirs", by=ben.principal)
    make_run_token(starting.start(built_actor(ada), by=ada.principal))
    of_run = ApiToken.objects.exclude(run_id="").get()
    revoked, _ = tokens.create(ada, "revoked", by=ada.principal)
    tokens.revoke(revoked, by=ada.principal)
    for id_ in (theirs.pk, of_run.pk, revoked.pk, "0" * 17, "x", "%00", "a" * 5000):
        for method in (here.get, here.post):
            is_other_method = (path, method) in [("", here.post), ("/end-former-texts", here.get)]
            expected = HTTPStatus.METHOD_NOT_ALLOWED if is_other_method else HTTPStatus.NOT_FOUND
            assert method(f"{URL}/{id_}{path}", LIMITED if method == here.post else {}).status_code == expected
    assert is_known(text)


@pytest.mark.parametrize("path", ["edit", "rotate"])
def test_editing_and_rotating_need_a_fresh_sign_in(here, ada, made, path):
    token, text = made
    stale(here)
    asked = here.post(f"{URL}/{token.pk}/{path}", {**LIMITED, "access": "full", "name": "evil", "former": "at-once"})
    assert asked["Location"].startswith("/sign-in/confirm?next=")
    assert f"{token.pk}%2F{path}" in asked["Location"]
    assert ApiToken.objects.get().name == "ci"
    assert is_known(text)


# The search within the form


def test_no_box_that_cannot_be_is_looked_up(here, ada):
    """PostgreSQL has no NUL in a text: with it in a statement, there is no answer but an error."""

    def refuse_nul(execute, sql, params, many, context):
        assert not [each for each in params or () if isinstance(each, str) and "\x00" in each], sql
        return execute(sql, params, many, context)

    for more in ({}, {"search": ""}):
        with connection.execute_wrapper(refuse_nul):
            answer = here.post(URL, {**LIMITED, "scope": ["dataset:\x00:READ"], **more})
        assert answer.status_code == (HTTPStatus.OK if more else HTTPStatus.UNPROCESSABLE_ENTITY)


def test_a_role_sees_no_names_of_what_it_may_not_read(ada, ben):
    acme = make_organization(ada)
    roles.add(acme, "Tokens", {"actors": ["READ"], "account": ["MANAGE_ACCESS_TOKENS"]}, by=acting(ada, acme))
    join(acme, ben, "Tokens")
    scope = [{"kind": kind, "permissions": ["READ"]} for kind in ("actor", "dataset")]
    token, _ = tokens.create(acme, "ci", by=acting(ada, acme), scope=scope)
    dataset = make_resource(Kind.DATASET, acme, name="secret-prices", created_by_token=token.pk)
    actor = make_resource(Kind.ACTOR, acme, name="finder", created_by_token=token.pk)
    token.scope += [{"kind": each.kind, "permissions": ["READ"], "resourceId": each.pk} for each in (dataset, actor)]
    token.save()
    StorageKey.objects.create(resource=dataset, account=acme, token_id=token.pk)
    here = sign_in(verify(ben))[0]
    here.post("/organizations/switch", {"account": acme.pk})
    for path in ("", f"/{token.pk}", f"/{token.pk}/edit", f"/{token.pk}/revoke"):
        said = here.get(f"{URL}{path}", {"account": acme.pk}).content.decode()
        assert "secret-prices" not in said
        assert path.endswith("revoke") or "finder" in said


def test_the_search_saves_nothing_and_keeps_what_was_ticked(here, ada, ben):
    prices = make_resource(Kind.DATASET, ada, name="prices")
    chosen = make_resource(Kind.DATASET, ada, name="chosen")
    make_resource(Kind.DATASET, ben, name="prices-of-ben")
    fields = {**LIMITED, "name": "", "scope": [f"dataset:{chosen.pk}:READ"], "find_kind": "dataset", "find": "prices"}
    page = here.post(URL, {**fields, "search": "1"})
    assert page.status_code == HTTPStatus.OK
    assert not ApiToken.objects.exists()
    text = page.content.decode()
    assert f'value="dataset:{prices.pk}:READ"' in text
    assert f'value="dataset:{chosen.pk}:READ" checked' in text
    assert "prices-of-ben" not in text
    assert "This field is required" not in text
    assert [row.title for row in page.context["form"].found()] == ["dataset prices"]


@pytest.mark.parametrize("find", ["%", "x" * 5000, "no such"])
def test_a_search_that_finds_nothing_says_so(here, ada, find):
    make_resource(Kind.DATASET, ada, name="prices")
    page = here.post(URL, {**LIMITED, "find_kind": "dataset", "find": find, "search": "1"})
    assert "Nothing else was found." in page.content.decode()


def test_a_search_for_a_kind_that_is_not_there(here):
    for find in ({"find_kind": "spaceship"}, {"find_kind": "dataset", "find": "\x00"}):
        assert here.post(URL, {**LIMITED, **find, "search": "1"}).status_code == HTTPStatus.OK


@pytest.mark.parametrize("preset", ["read-dataset", "run-actor", "push-data", "everything"])
def test_a_preset_fills_the_form(here, ada, preset):
    dataset, actor = make_resource(Kind.DATASET, ada, name="prices"), make_resource(Kind.ACTOR, ada, name="finder")
    page = here.get(f"{URL}?preset={preset}")
    form = page.context["form"]
    assert form["access"].value() == ("full" if preset == "everything" else "limited")
    offered = page.content.decode()
    assert (f"dataset:{dataset.pk}:READ" in offered) is (preset in ("read-dataset", "push-data"))
    assert (f"actor:{actor.pk}:RUN" in offered) is (preset == "run-actor")
    assert ('value="dataset:CREATE" checked' in offered) is (preset == "push-data")
    assert here.get(f"{URL}?preset=nonsense").status_code == HTTPStatus.OK


# Made and edited


def test_all_of_a_token_is_made_and_edited(here, ada):
    actor = make_resource(Kind.ACTOR, ada, name="finder")
    fields = {
        **LIMITED,
        "description": "Runs nightly.",
        "scope": [f"actor:{actor.pk}:RUN", "dataset:CREATE"],
        "default_run_storages": "on",
        "actor_runs": "FULL",
        "lifetime": "30",
    }
    text = here.post(URL, fields).context["text"]
    token = ApiToken.objects.get()
    assert (token.description, token.default_run_storages, token.actor_runs) == ("Runs nightly.", True, "FULL")
    page = here.get(f"{URL}/{token.pk}/edit")
    form = page.context["form"]
    assert form["lifetime"].value() == "kept"
    assert set(form["scope"].value()) == set(fields["scope"])
    end = token.expires_at
    saved = here.post(f"{URL}/{token.pk}/edit", {**fields, "name": "nightly", "lifetime": "kept", "actor_runs": ""})
    assert saved["Location"] == f"{URL}/{token.pk}"
    token.refresh_from_db()
    assert (token.name, token.expires_at, token.actor_runs) == ("nightly", end, "RESTRICTED")
    assert actions_of(ada)[-1] == "token.changed"
    assert is_known(text)
    page = here.get(f"{URL}/{token.pk}").content.decode()
    for sentence in (
        "It can read and run the Actor finder.",
        "It can create datasets, and do everything with those.",
        "Runs that it starts can do no more than the token.",
        "Where the token can read or write a run, it can do the same with the run&#x27;s default storages.",
    ):
        assert sentence in page


def test_what_is_gone_may_stay_in_the_scope(here, ada, made):
    token, _ = made
    entry = {"kind": "dataset", "permissions": ["READ"], "resourceId": "0" * 17}
    ApiToken.objects.update(scope=[entry])
    fields = {**LIMITED, "scope": [f"dataset:{'0' * 17}:READ"]}
    assert here.post(f"{URL}/{token.pk}/edit", fields).status_code == HTTPStatus.FOUND
    assert ApiToken.objects.get().scope == [entry]


# Rotated


@pytest.mark.parametrize("at_once", [True, False])
def test_rotating_shows_the_text_once(here, made, at_once):
    token, before = made
    assert "works for 24 more hours" in here.get(f"{URL}/{token.pk}/rotate").content.decode()
    response = here.post(f"{URL}/{token.pk}/rotate", {"former": "at-once" if at_once else "in-24-hours"})
    text = response.context["text"]
    assert response.content.decode().count(text) == 1
    assert "no-store" in response["Cache-Control"]
    assert [is_known(before), is_known(text)] == [not at_once, True]
    page = here.get(f"{URL}/{token.pk}").content.decode()
    assert text not in page
    assert ("End old values now" in page) is not at_once
    here.post(f"{URL}/{token.pk}/end-former-texts")
    assert [is_known(before), is_known(text)] == [False, True]


# What it has left


def test_a_token_says_what_it_has_made_and_what_ends_with_it(here, ada, made, api):
    token, text = made
    client = Client(headers={"Authorization": f"Bearer {text}"})
    created = client.post("/v2/datasets?name=made-by-it").json()["data"]
    StorageKey.objects.get_or_create(resource_id=created["id"], account=ada, token_id=token.pk)
    actor = built_actor(ada)
    run = client.post(f"/v2/acts/{actor.pk}/runs").json()["data"]
    make_resource(Kind.DATASET, ada, name="not-by-it")
    page = here.get(f"{URL}/{token.pk}").content.decode()
    assert "made-by-it" in page
    assert "not-by-it" not in page.replace("made-by-it", "")
    dialog = here.get(f"{URL}/{token.pk}/revoke").content.decode()
    assert "Links that were signed with this token end" in dialog
    assert "made-by-it" in dialog
    assert run["id"] in dialog
    assert "One run that it has started goes on." in dialog


def test_a_token_that_ends_soon_is_marked(here, ada):
    token, _ = tokens.create(ada, "ci", by=ada.principal, expires_at=timezone.now() + timedelta(days=2))
    assert "Ends soon" in here.get(URL).content.decode()
    assert "The token ends on" in here.get(f"{URL}/{token.pk}").content.decode()


def test_a_list_of_many_tokens_costs_as_much_as_of_one(here, ada, made):
    counts = []
    for _ in range(2):
        with CaptureQueriesContext(connection) as queries:
            here.get(URL)
        counts.append(len(queries))
        for number in range(5):
            dataset = make_resource(Kind.DATASET, ada, name=f"d{number}{len(counts)}")
            entry = {"kind": "dataset", "permissions": ["READ"], "resourceId": dataset.pk}
            tokens.create(ada, f"t{number}", by=ada.principal, scope=[entry])
    assert counts[1] <= counts[0] + 1
