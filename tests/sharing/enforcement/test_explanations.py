"""Refusals of narrowed principals say what holds them back and what to change, where they may know what is there."""

import pytest

from accounts import tokens
from accounts.models import Membership, OrganizationRole
from resources.kinds import Kind
from resources.models import Run
from resources.permission_levels import LIMITED
from resources.runs.tokens import make_run_token
from tests.support.api import ApiClient
from tests.support.factories import built_actor, make_resource

pytestmark = pytest.mark.django_db


@pytest.fixture
def prices(ada):
    ada.general_access = "RESTRICTED"
    ada.save()
    return make_resource(Kind.DATASET, ada, name="prices")


def refusal(client, method: str, path: str, status: int = 403) -> dict:
    response = getattr(client, method)(path, content_type="application/json")
    assert response.status_code == status, response.content
    return response.json()["error"]


def scoped(api, account, *entries):
    found = [{"kind": kind, "permissions": list(names), "resourceId": None} for kind, *names in entries]
    return api(account, scope=found)


def test_a_scope_says_what_it_allows(api, ada, prices):
    error = refusal(scoped(api, ada, ("dataset", "READ")), "delete", f"/v2/datasets/{prices.pk}")
    assert error["data"] == {"heldBackBy": "SCOPE", "permission": "WRITE", "kind": "dataset"}
    assert "cannot write to this dataset. Its scope allows READ only." in error["message"]
    assert "Missing permission: WRITE." in error["message"]


def test_a_scope_that_names_another_kind_says_so_of_what_may_be_known_by_its_id(api, ada, prices):
    client = scoped(api, ada, ("keyValueStore", "READ"))
    error = refusal(client, "get", f"/v2/datasets/{prices.pk}")
    assert error["data"]["heldBackBy"] == "SCOPE"
    assert "Its scope does not name this dataset." in error["message"]


def test_what_may_not_be_known_is_not_explained(api, ada):
    client = scoped(api, ada, ("dataset", "READ"))
    actor = built_actor(ada)
    there = refusal(client, "get", f"/v2/acts/{actor.pk}", 404)
    assert there == refusal(client, "get", f"/v2/acts/{'0' * 17}", 404)
    make_resource(Kind.KEY_VALUE_STORE, ada, name="things")
    by_name = refusal(client, "get", "/v2/key-value-stores/ada~things", 404)
    assert by_name == refusal(client, "get", "/v2/key-value-stores/ada~nothing", 404)


def test_creating_takes_create(api, ada):
    client = scoped(api, ada, ("dataset", "READ", "WRITE"))
    error = refusal(client, "post", "/v2/datasets")
    assert error["data"] == {"heldBackBy": "SCOPE", "permission": "CREATE", "kind": "dataset"}
    assert scoped(api, ada, ("dataset", "CREATE")).post("/v2/datasets").status_code == 201


def test_what_a_token_has_created_is_in_its_scope_and_no_other_tokens(api, ada):
    client = scoped(api, ada, ("dataset", "CREATE"))
    made = client.post("/v2/datasets").json()["data"]["id"]
    assert client.get(f"/v2/datasets/{made}").status_code == 200
    assert client.delete(f"/v2/datasets/{made}").status_code == 204
    ada.general_access = "RESTRICTED"
    ada.save()
    made = client.post("/v2/datasets").json()["data"]["id"]
    assert scoped(api, ada, ("dataset", "CREATE")).get(f"/v2/datasets/{made}").status_code == 403


def test_a_name_that_is_taken_is_not_opened_without_read(api, ada, prices):
    client = scoped(api, ada, ("dataset", "CREATE"))
    response = client.post("/v2/datasets?name=prices")
    assert response.status_code == 403
    assert prices.pk not in response.content.decode()


def test_a_list_takes_read_on_the_whole_kind(api, ada, prices):
    entries = [{"kind": "dataset", "permissions": ["READ"], "resourceId": prices.pk}]
    error = refusal(api(ada, scope=entries), "get", "/v2/datasets")
    assert error["data"] == {"heldBackBy": "SCOPE", "permission": "READ", "kind": "dataset"}


def test_a_role_says_what_it_does_not_include(api, ada, ben, prices):
    role = OrganizationRole.objects.create(organization=ada, name="Read only", permissions={"storages": ["READ"]})
    Membership.objects.create(organization=ada, person=ben, role=role)
    token, text = tokens.create(ada, "ci", by=ada.principal)
    type(token).objects.filter(pk=token.pk).update(member_id=ben.pk)
    client = ApiClient(text)
    error = refusal(client, "delete", f"/v2/datasets/{prices.pk}")
    assert error["data"] == {"heldBackBy": "ROLE", "permission": "WRITE", "kind": "dataset"}
    assert "Your role 'Read only' in ada does not include WRITE on storages." in error["message"]
    assert client.get("/v2/acts").json()["data"]["total"] == 0
    Membership.objects.all().delete()
    assert client.get(f"/v2/datasets/{prices.pk}").status_code == 401


@pytest.mark.parametrize(
    ("owner", "level", "remedy"),
    [
        ("dan", None, ", or approve the Actor for full permissions."),
        ("dan", LIMITED, "."),
        ("ada", LIMITED, ", or give the Actor full permissions in its settings."),
        ("ada", None, "."),  # the run alone was limited
    ],
)
def test_a_limited_run_says_what_would_let_it(ada, dan, prices, owner, level, remedy):
    actor = built_actor({"ada": ada, "dan": dan}[owner], is_public=True, permission_level=level)
    run = make_resource(Kind.RUN, ada, actor=actor)
    Run.objects.filter(pk=run.pk).update(permission_level="LIMITED_PERMISSIONS")
    client = ApiClient(make_run_token(Run.objects.get(pk=run.pk)))
    error = refusal(client, "get", f"/v2/datasets/{prices.pk}")
    assert error["data"] == {"heldBackBy": "RUN", "permission": "READ", "kind": "dataset"}
    assert f"cannot read this dataset. Name it in the run's input{remedy}" in error["message"]
    assert refusal(client, "get", "/v2/datasets")["data"]["heldBackBy"] == "RUN"
    assert client.post("/v2/datasets?name=mine").status_code == 201


def test_answers_name_the_permission_that_they_take(api, ada, prices):
    assert api(ada).get(f"/v2/datasets/{prices.pk}").headers["X-Accepted-Permissions"] == "READ"
    assert ApiClient().delete(f"/v2/datasets/{prices.pk}").headers["X-Accepted-Permissions"] == "WRITE"
