"""What is answered by the operations that Apify's description does not have, held to our own description of them."""

import json
import re
from typing import Any

import jsonschema_rs
import pytest

from accounts import tokens
from accounts.models import Account
from accounts.principal import ANONYMOUS
from console.api.openapi.document import OURS, document
from resources.kinds import KINDS, Kind
from resources.runs import approvals
from sharing.issues import issues
from tests.support.api import ApiClient
from tests.support.factories import built_actor, make_resource
from tests.support.organizations import join

pytestmark = pytest.mark.django_db


def validator(schema: dict[str, Any]) -> Any:
    return jsonschema_rs.validator_for({**schema, "components": document()["components"]}, validate_formats=True)


def hold(client: Any, method: str, path: str, url: str, body: Any = None) -> str:
    """Send a request, and hold it and its answer to our operation; return the path of the operation."""
    operation = document()["paths"][path][method]
    assert operation[OURS] is True
    sent = {} if body is None else {"data": json.dumps(body), "content_type": "application/json"}
    if "requestBody" in operation:
        validator(operation["requestBody"]["content"]["application/json"]["schema"]).validate(body)
    answer = getattr(client, method)(url, **sent)
    described = operation["responses"][str(answer.status_code)]
    if "content" in described:
        validator(described["content"]["application/json"]["schema"]).validate(answer.json())
    else:
        assert answer.content == b""
    return f"{method} {path}"


RIGHTS = [kind for kind in Kind if KINDS[kind].permissions]


@pytest.mark.parametrize("kind", RIGHTS)
def test_the_access_to_each_kind(api, ada, ben, make_resource, kind):
    resource = make_resource(kind, ada)
    collection = f"/v2/{KINDS[kind].api_path}"
    path, url, owner = f"{collection}/{{address}}", f"{collection}/{resource.pk}", api(ada)
    hold(owner, "put", f"{path}/access-rights/{{account}}", f"{url}/access-rights/{ben.pk}", {"permissions": ["READ"]})
    hold(owner, "get", f"{path}/access-rights", f"{url}/access-rights")
    for query in ("", "?account=anonymous", f"?account={ben.pk}&permission=WRITE&addressedBy=NAME"):
        hold(owner, "get", f"{path}/access", f"{url}/access{query}")
    hold(owner, "delete", f"{path}/access-rights/{{account}}", f"{url}/access-rights/{ben.pk}")


def test_issues(api, ada, ben, make_resource):
    actor = make_resource(Kind.ACTOR, ada, is_public=True)
    run = make_resource(Kind.RUN, ben, actor_id=actor.pk)
    path, url = "/v2/actors/{address}/issues", f"/v2/actors/{actor.pk}/issues"
    hold(api(ben), "post", path, url, {"title": "Late", "description": "It is.", "runUrl": run.pk})
    one, text = f"{url}/{issues.list_issues(actor.pk).get().pk}", {"text": "Mended."}
    hold(api(ben), "post", f"{path}/{{issue}}/comments", f"{one}/comments", text)
    hold(api(ben), "put", f"{path}/{{issue}}", one, {"state": "CLOSED"})
    for client in (api(), api(ada), api(ben)):
        hold(client, "get", path, f"{url}?state=CLOSED&limit=1")
        hold(client, "get", f"{path}/{{issue}}", one)
    hold(api(ben), "delete", f"{path}/{{issue}}", one)


def test_builds_and_descriptions(api, ada):
    actor = built_actor(ada)
    build = api(ada).get("/v2/actor-builds").json()["data"]["items"][0]["id"]
    level = {"generalAccess": "RESTRICTED"}
    hold(api(ada), "put", "/v2/actor-builds/{buildId}", f"/v2/actor-builds/{build}", level)
    default = "/builds/default/openapi.json"
    hold(api(ada), "get", f"/v2/actors/{{address}}{default}", f"/v2/actors/{actor.pk}{default}")
    hold(api(), "get", "/v2/openapi.json", "/v2/openapi.json")


def test_tokens(api, ada):
    dataset, client = make_resource(Kind.DATASET, ada), api(ada)
    entry = {"kind": "dataset", "permissions": ["READ", "WRITE"], "resourceId": dataset.pk}
    scope = {"entries": [entry], "defaultRunStorages": True, "actorRuns": "FULL"}
    hold(client, "post", "/v2/tokens", "/v2/tokens", {"name": "ci", "scope": scope})
    one = f"/v2/tokens/{client.get('/v2/tokens?desc=1').json()['data']['items'][0]['id']}"
    hold(client, "get", "/v2/tokens", "/v2/tokens?limit=1")
    hold(client, "get", "/v2/tokens/{token}", one)
    hold(client, "put", "/v2/tokens/{token}", one, {"scope": None, "expiresAt": "2099-01-01T00:00:00Z"})
    hold(client, "post", "/v2/tokens/{token}/rotate", f"{one}/rotate", {"formerTextEnds": "AT_ONCE"})
    hold(client, "delete", "/v2/tokens/{token}", one)


def test_approvals(api, ada, dan):
    actor = built_actor(dan, is_public=True)
    approvals.approve(actor, by=ada.principal)
    client = api(ada)
    hold(client, "get", "/v2/actor-approvals", "/v2/actor-approvals?limit=1")
    hold(client, "delete", "/v2/actor-approvals/{actor}", f"/v2/actor-approvals/{actor.pk}")


def test_organizations(api, ada, ben):
    path = "/v2/organizations"
    hold(api(ada), "post", path, path, {"username": "acme"})
    organization = Account.objects.get(username="acme")
    everything = ApiClient(tokens.create(organization, "all", by=ANONYMOUS)[1])
    one, url = f"{path}/{{organization}}", f"{path}/{organization.pk}"
    for client in (api(ada), everything):
        hold(client, "get", path, path)
    hold(everything, "get", one, url)
    hold(everything, "put", one, url, {"username": "apex"})
    role = {"name": "Tester", "permissions": {"actors": ["RUN"], "account": []}}
    hold(everything, "post", f"{one}/roles", f"{url}/roles", role)
    made = organization.roles.get(name="Tester")
    hold(everything, "get", f"{one}/roles", f"{url}/roles")
    hold(everything, "put", f"{one}/roles/{{role}}", f"{url}/roles/{made.pk}", {"name": "Test", "permissions": {}})
    invited = {"user": "ben", "roleId": made.pk}
    hold(everything, "post", f"{one}/members", f"{url}/members", invited)
    hold(everything, "get", f"{one}/invitations", f"{url}/invitations")
    invitation = organization.sent_invitations.get()
    hold(everything, "delete", f"{one}/invitations/{{invitation}}", f"{url}/invitations/{invitation.pk}")
    join(organization, ben)
    hold(everything, "get", f"{one}/members", f"{url}/members")
    hold(everything, "put", f"{one}/members/{{user}}", f"{url}/members/ben", {"roleId": made.pk})
    hold(everything, "delete", f"{one}/members/{{user}}", f"{url}/members/{ben.pk}")
    hold(everything, "delete", f"{one}/roles/{{role}}", f"{url}/roles/{made.pk}")


def test_each_operation_of_ours_has_its_own_shape():
    """One that is described by nothing but its path would be found by `_described_by_end` to have no end."""
    ends = set()
    for path, methods in document()["paths"].items():
        for method, operation in methods.items():
            if operation.get(OURS) and method not in ("head", "delete") and not path.startswith("/v2/acts/"):
                (answer,) = (each for status, each in operation["responses"].items() if status != "4XX")
                assert answer["content"]["application/json"]["schema"] != {}
                ends.add((method, re.sub(r"^/v2/[\w-]+/\{\w+\}", "", path)))
    assert ends == {
        ("get", "/access"),
        ("get", "/access-rights"),
        ("put", "/access-rights/{account}"),
        ("put", ""),
        ("get", "/builds/default/openapi.json"),
        ("get", "/issues"),
        ("post", "/issues"),
        ("get", "/issues/{issue}"),
        ("put", "/issues/{issue}"),
        ("post", "/issues/{issue}/comments"),
        ("get", "/v2/actor-approvals"),
        ("get", "/v2/openapi.json"),
        ("get", ""),
        ("get", "/v2/tokens"),
        ("post", "/v2/tokens"),
        ("post", "/rotate"),
        ("get", "/v2/organizations"),
        ("post", "/v2/organizations"),
        ("get", "/members"),
        ("post", "/members"),
        ("put", "/members/{user}"),
        ("get", "/invitations"),
        ("get", "/roles"),
        ("post", "/roles"),
        ("put", "/roles/{role}"),
    }
