"""Accounts over HTTP: one's own in full, others by what is public of them."""

import pytest

from resources.kinds import KINDS, Kind
from sharing.models import Issue, IssueComment
from tests.support.api import error_of, message_of


def test_nobody_is_not_me(api):
    assert error_of(api().get("/v2/users/me")) == (401, "token-not-provided")


@pytest.mark.parametrize("user", ["nobody-here", "0" * 17, "ada@example.com", "a%00", "%FF", "anonymous", "~ada"])
def test_an_account_that_there_is_not(api, ada, user):
    for client in (api(), api(ada)):
        assert error_of(client.get(f"/v2/users/{user}")) == (404, "record-not-found")


def test_an_account_that_is_not_active(api, ada):
    type(ada).objects.filter(pk=ada.pk).update(is_active=False)
    assert error_of(api().get("/v2/users/ada")) == (404, "record-not-found")


def test_going_through_a_list_of_names_is_stopped(api, ada, settings):
    settings.LOOKUP_MISSES = 2
    assert [api().get(f"/v2/users/nobody{number}").status_code for number in range(3)] == [404, 404, 429]
    response = api().get("/v2/users/ada")
    assert error_of(response) == (429, "rate-limit-exceeded")
    assert api(ada).get("/v2/users/ada").status_code == 200


def test_whoever_was_stopped_still_knows_themselves(api, ada, ben, settings):
    settings.LOOKUP_MISSES = 0
    client = api(ada)
    assert [client.get(f"/v2/users/{user}").status_code for user in ("nobody1", "ben", "ada", "ADA", ada.pk)] == [
        429,
        429,
        200,
        200,
        200,
    ]


def test_me(api, ada):
    data = api(ada).get("/v2/users/me").json()["data"]
    assert (data["id"], data["username"], data["email"]) == (ada.pk, "ada", "ada@example.com")
    assert data["createdAt"].endswith("Z")
    assert data["isPaying"] is False
    assert data["effectivePlatformFeatures"]["STORAGE"]["isEnabled"] is True
    assert data["effectivePlatformFeatures"]["PROXY"]["isEnabled"] is True
    assert data["effectivePlatformFeatures"]["PROXY_EXTERNAL_ACCESS"]["isEnabled"] is False


@pytest.mark.parametrize("called", ["ada", "ADA", "id"])
def test_what_is_public(api, ada, called):
    response = api().get(f"/v2/users/{ada.pk if called == 'id' else called}")
    assert response.json() == {"data": {"username": "ada", "profile": {"name": "ada"}}}


def test_costs(api, ada, django_assert_num_queries):
    client = api(ada)
    with django_assert_num_queries(2):
        client.get("/v2/users/me")


def test_a_scoped_token_is_told_what_everybody_may_know_and_its_id(api, ada):
    scope = [{"kind": kind.value, "permissions": list(KINDS[kind].permissions)} for kind in Kind]
    seen = api(ada, scope=scope).get("/v2/users/me").json()["data"]
    assert seen == {"id": ada.pk, **api().get("/v2/users/ada").json()["data"]}


@pytest.mark.parametrize(
    ("method", "path"),
    [("get", "/v2/users/me/limits"), ("put", "/v2/users/me/limits"), ("get", "/v2/users/me/usage/monthly")],
)
def test_what_is_account_wide_takes_a_token_without_a_scope(api, ada, method, path):
    scope = [{"kind": kind.value, "permissions": list(KINDS[kind].permissions)} for kind in Kind]
    refused = getattr(api(ada, scope=scope), method)(path, {}, content_type="application/json")
    assert error_of(refused) == (403, "insufficient-permissions")
    assert "This API token has a scope" in message_of(refused)
    assert getattr(api(ada), method)(path, {}, content_type="application/json").status_code < 300


@pytest.mark.parametrize("path", ["", "/{issue}/comments", "/{issue}"])
def test_a_scoped_token_writes_nothing_to_issues(api, ada, dan, make_resource, path):
    actor = make_resource(Kind.ACTOR, dan, name="finder", is_public=True)
    issue = Issue.objects.create(actor=actor, author=ada, title="Prices missing")
    scope = [{"kind": kind.value, "permissions": list(KINDS[kind].permissions)} for kind in Kind]
    client, address = api(ada, scope=scope), f"/v2/actors/{actor.pk}/issues{path.format(issue=issue.pk)}"
    body = {"title": "Look", "text": "Look", "state": "CLOSED"}
    methods = ("put", "delete") if path == "/{issue}" else ("post",)
    for method in methods:
        refused = getattr(client, method)(address, body, content_type="application/json")
        assert error_of(refused) == (403, "insufficient-permissions")
        assert "This API token has a scope" in message_of(refused)
    assert client.get(f"/v2/actors/{actor.pk}/issues").json()["data"]["total"] == 1
    assert (Issue.objects.get().state, IssueComment.objects.count()) == ("OPEN", 0)
