"""What all answers of the API have in common: the shape of errors, methods, headers, and whom it listens to."""

import json

import pytest
from django.test import Client

from resources.actors import versions
from resources.actors.editing import create as create_actor
from resources.kinds import STORAGES, Kind
from resources.models import ActorVersion, Resource
from tests.support.api import error_of, message_of


@pytest.mark.parametrize(
    "path",
    ["", "nothing", "datasets/x/y/z", "users", "users/a/b", "datasets//items", "%00", "%FF", "..", "acts/x/runs/y/z"],
)
@pytest.mark.parametrize("method", ["get", "post", "put", "delete", "patch"])
def test_an_address_that_there_is_not(api, ada, path, method):
    assert error_of(getattr(api(ada), method)(f"/v2/{path}")) == (404, "page-not-found")


@pytest.mark.parametrize("method", ["get", "post", "put", "delete", "patch"])
def test_the_root_is_the_apis_without_its_slash_too(api, ada, method):
    response = getattr(api(ada), method)("/v2")
    assert error_of(response) == (404, "page-not-found")
    assert response["Access-Control-Allow-Origin"] == "*"


@pytest.mark.parametrize("path", ["/v2x", "/v", "/v2x/datasets"])
def test_what_only_begins_like_the_root_is_a_page(client, path):
    response = client.get(path)
    assert response.status_code == 404
    assert response["Content-Type"].startswith("text/html")


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("datasets", "OPTIONS, GET, POST, HEAD"),
        ("users/me", "OPTIONS, GET, HEAD"),
        ("datasets/x", "OPTIONS, GET, PUT, DELETE, HEAD"),
        ("actors/x/access-rights/y", "OPTIONS, PUT, DELETE"),
    ],
)
def test_a_method_that_there_is_not(api, path, allowed):
    for method in ("PATCH", "TRACE", "BREW"):
        response = api().generic(method, f"/v2/{path}")
        assert error_of(response) == (405, "method-not-allowed")
        assert response["Allow"] == allowed
        assert allowed in message_of(response)


def test_post_by_get_is_not_supported(api, ada):
    api(ada).get("/v2/datasets?method=POST&name=prices")
    assert api(ada).get("/v2/datasets").json()["data"]["total"] == 0


def test_an_exception_is_answered_in_the_same_shape_and_logged(token_of, ada, monkeypatch, caplog):
    def fail(*args, **kwargs):
        raise RuntimeError("the roof is on fire")

    monkeypatch.setattr("console.api.users.views.iso", fail)
    client = Client(raise_request_exception=False, headers={"Authorization": f"Bearer {token_of(ada)}"})
    response = client.get("/v2/users/me?token=very-secret&signature=very-secret")
    assert error_of(response) == (500, "internal-server-error")
    assert "fire" not in response.content.decode()
    assert "the roof is on fire" in caplog.text
    assert "very-secret" not in caplog.text


@pytest.mark.parametrize("accept", ["text/html", "application/json"])
def test_debug_shows_its_pages_to_people_and_not_to_clients_of_the_api(token_of, ada, monkeypatch, settings, accept):
    def fail(*args, **kwargs):
        raise RuntimeError("the roof is on fire")

    settings.DEBUG = True
    monkeypatch.setattr("console.api.users.views.iso", fail)
    headers = {"Authorization": f"Bearer {token_of(ada)}", "Accept": accept}
    client = Client(raise_request_exception=False, headers=headers)
    assert error_of(client.get("/v2/users/me")) == (500, "internal-server-error")
    assert error_of(client.get("/v2/nothing")) == (404, "page-not-found")
    assert error_of(client.get("/v2")) == (404, "page-not-found")
    settings.ROOT_URLCONF = "tests.support.undeclared_urls"
    assert error_of(client.get("/v2/undeclared")) == (403, "insufficient-permissions")


def test_a_session_is_nothing_to_the_api(signed_in, ada, make_resource):
    dataset = make_resource(Kind.DATASET, ada, general_access="RESTRICTED")
    browser = signed_in(ada)
    assert error_of(browser.get("/v2/users/me")) == (401, "token-not-provided")
    assert error_of(browser.get(f"/v2/datasets/{dataset.pk}")) == (403, "insufficient-permissions")
    assert error_of(browser.delete(f"/v2/datasets/{dataset.pk}")) == (401, "token-not-provided")


def test_a_token_is_nothing_to_a_page(token_of, ada):
    response = Client(headers={"Authorization": f"Bearer {token_of(ada)}"}).get("/")
    assert response.status_code == 302
    assert Client().get(f"/?token={token_of(ada)}").status_code == 302


@pytest.mark.parametrize(
    ("header", "status"),
    [
        ("Bearer {token}", 200),
        ("bearer   {token} ", 200),
        ("Basic {token}", 401),
        ("Bearer", 401),
        ("Bearer {token}x", 401),
        ("Bearer é", 401),
        ("{token}", 401),
        ("", 401),
    ],
)
def test_the_authorization_header(client, token_of, ada, header, status):
    response = client.get("/v2/users/me", headers={"Authorization": header.format(token=token_of(ada))})
    assert response.status_code == status


def test_the_token_in_the_address(client, token_of, ada, settings):
    token = token_of(ada)
    assert client.get("/v2/users/me", {"token": token}).status_code == 200
    assert error_of(client.get("/v2/users/me", {"token": "x"})) == (401, "user-or-token-not-found")
    settings.API_ACCEPTS_TOKEN_IN_QUERY = False
    assert client.get("/v2/users/me", {"token": token}).status_code == 401


@pytest.mark.parametrize("header", [None, "Bearer", "Bearer ", "bearer   "])
@pytest.mark.parametrize("query", ["", "?token=", "?token=&token="])
@pytest.mark.parametrize("is_accepted", [True, False])
def test_an_empty_token_is_none(ada, make_resource, settings, header, query, is_accepted):
    """Programs write it when the variable that they take the token from is unset."""
    settings.API_ACCEPTS_TOKEN_IN_QUERY = is_accepted
    dataset = make_resource(Kind.DATASET, ada, general_access="ANYONE_WITH_ID_CAN_READ")
    client = Client(headers={"Authorization": header} if header else None)
    assert client.get(f"/v2/datasets/{dataset.pk}/items{query}").json() == []
    assert error_of(client.get(f"/v2/users/me{query}")) == (401, "token-not-provided")


def test_an_empty_token_in_the_header_leaves_that_in_the_address(client, token_of, ada):
    address = {"token": token_of(ada)}
    assert client.get("/v2/users/me", address, headers={"Authorization": "Bearer "}).status_code == 200
    assert client.get("/v2/users/me?token=", headers={"Authorization": f"Bearer {token_of(ada)}"}).status_code == 200


@pytest.mark.parametrize("path", ["users/me", "datasets", "nothing"])
def test_a_preflight_needs_nothing(client, path):
    response = client.options(f"/v2/{path}", headers={"Origin": "https://example.com"})
    assert response.status_code == 204
    assert response["Access-Control-Allow-Origin"] == "*"
    assert "Authorization" in response["Access-Control-Allow-Headers"]
    for method in ("GET", "HEAD", "POST", "PUT", "DELETE"):
        assert method in response["Access-Control-Allow-Methods"]


@pytest.mark.parametrize("path", ["users/me", "nothing"])
def test_headers_of_every_answer(api, ada, path):
    for client in (api(ada), api()):
        response = client.get(f"/v2/{path}")
        assert response["Access-Control-Allow-Origin"] == "*"
        assert "Access-Control-Allow-Credentials" not in response
        assert response["X-Content-Type-Options"] == "nosniff"
        assert response["Cache-Control"] == "no-store"
        assert response["Content-Length"] == str(len(response.content))
        assert not response.cookies


def test_head_has_the_headers_of_get_and_no_body(api, ada):
    client = api(ada)
    got, head = client.get("/v2/users/me"), client.head("/v2/users/me")
    assert (head.status_code, head.content) == (200, b"")
    assert int(head["Content-Length"]) == len(got.content)
    assert head["Content-Type"] == got["Content-Type"]
    assert client.head("/v2/nothing").status_code == 404


@pytest.mark.parametrize("method", ["get", "post", "put", "delete"])
def test_no_path_with_a_slash_at_the_end_is_a_route(api, ada, make_resource, method):
    """Clients that normalize URLs make such a path of a key, an ID or a version that is ".." or empty."""
    actor = create_actor(ada.pk, "scraper", by=ada.principal)
    versions.add(actor, "0.1", by=ada.principal)
    resources = [make_resource(kind, ada) for kind in STORAGES]
    paths = ["users/me/", "datasets/", "datasets//", f"actors/{actor.pk}/", f"actors/{actor.pk}/versions/0.1/"]
    paths += [f"{each.info.api_path}/{each.pk}/" for each in resources]
    paths += [f"{each.info.api_path}/{each.pk}//" for each in resources]
    paths += [f"key-value-stores/{each.pk}/records/" for each in resources if each.kind == Kind.KEY_VALUE_STORE]
    before = Resource.objects.count(), ActorVersion.objects.count()
    for path in paths:
        assert error_of(getattr(api(ada), method)(f"/v2/{path}")) == (404, "page-not-found"), path
    assert (Resource.objects.count(), ActorVersion.objects.count()) == before


@pytest.mark.parametrize("subdomains", [True, False])
def test_over_https_the_api_says_hsts_like_a_page(db, client, settings, subdomains):
    settings.SECURE_HSTS_SECONDS, settings.SECURE_HSTS_INCLUDE_SUBDOMAINS = 31_536_000, subdomains
    page = client.get("/healthz", secure=True)["Strict-Transport-Security"]
    assert page.startswith("max-age=31536000")
    for path in ("/v2/users/me", "/v2/nothing", "/v2/store"):
        for method in (client.get, client.head, client.options, client.delete):
            assert method(path, secure=True)["Strict-Transport-Security"] == page
            assert "Strict-Transport-Security" not in method(path)


def test_too_many_parameters(api, ada):
    query = "&".join(f"p{number}=1" for number in range(1100))
    response = api(ada).get(f"/v2/datasets?{query}")
    assert response.status_code == 400
    assert json.loads(response.content)["error"]["type"] == "invalid-input"
