"""`/v2/organizations`: what tokens of persons, of members and of the organization itself may do."""

import pytest

from accounts import tokens
from accounts.models import Account, Membership
from accounts.principal import ANONYMOUS
from tests.support.api import ApiClient, data_of, send
from tests.support.organizations import acting, join, make_organization, role_of

pytestmark = pytest.mark.django_db
URL = "/v2/organizations"


@pytest.fixture
def acme(ada) -> Account:
    return make_organization(ada)


@pytest.fixture
def everything(acme) -> ApiClient:
    """A token of the organization that belongs to no member."""
    return ApiClient(tokens.create(acme, "all", by=ANONYMOUS)[1])


def member_client(person, organization) -> ApiClient:
    return ApiClient(tokens.create(organization, "mine", by=acting(person, organization), member_id=person.pk)[1])


def refusal(response) -> tuple[int, str]:
    return response.status_code, response.json()["error"]["type"]


def test_a_token_of_a_person_lists_and_reaches_none(api, ada, acme):
    own = api(ada)
    (item,) = data_of(own.get(URL))["items"]
    assert (item["id"], item["username"], item["role"]["name"]) == (acme.pk, "acme", "Owner")
    for path in ("", "/members", "/roles"):
        assert refusal(own.get(f"{URL}/{acme.pk}{path}")) == (404, "record-not-found")


def test_other_organizations_are_not_found(everything, ada, cleo):
    other = make_organization(cleo, "other")
    for name in (other.pk, "other", "nothing"):
        assert refusal(everything.get(f"{URL}/{name}")) == (404, "record-not-found")


def test_scoped_tokens_and_anonymous_requests_are_refused(api, ada, acme):
    assert api().get(URL).status_code == 401
    scope = [{"kind": "dataset", "permissions": ["WRITE"]}]
    assert api(ada, scope=scope).get(URL).status_code == 403
    assert send(api(ada, scope=scope), "post", URL, {"username": "more"}).status_code == 403


def test_organizations_are_made(api, ada, everything):
    made = send(api(ada), "post", URL, {"username": "made"})
    assert made.status_code == 201
    assert refusal(send(api(ada), "post", URL, {"username": "made"})) == (400, "invalid-value")
    assert refusal(send(everything, "post", URL, {"username": "sub"})) == (400, "user-is-organization")


def test_what_users_me_describes(everything, acme, ben):
    join(acme, ben, "Read only")
    for client in (everything, member_client(ben, acme)):
        described = data_of(client.get("/v2/users/me"))
        assert (described["id"], described["username"]) == (acme.pk, "acme")
        assert "email" not in described


@pytest.mark.parametrize("name", ["Developer", "Read only"])
def test_a_member_without_the_permission(acme, ben, cleo, name):
    join(acme, ben, name)
    client, url = member_client(ben, acme), f"{URL}/acme"
    assert data_of(client.get(f"{url}/members"))["total"] == 2
    for method, path, body in (
        ("post", "/members", {"user": "cleo", "roleId": role_of(acme, "Read only").pk}),
        ("put", f"/members/{ben.pk}", {"roleId": role_of(acme, "Administrator").pk}),
        ("post", "/roles", {"name": "Mine"}),
        ("put", f"/roles/{role_of(acme, name).pk}", {"permissions": {"actors": ["RUN"]}}),
        ("delete", f"/roles/{role_of(acme, 'Administrator').pk}", None),
        ("put", "", {"username": "apex"}),
    ):
        response = send(client, method, url + path, body)
        assert refusal(response) == (403, "insufficient-permissions"), path
        assert response.json()["error"]["data"]["heldBackBy"] == "ROLE"


def test_nobody_gets_beyond_their_own_role(everything, acme, ben, cleo):
    role = {"name": "Manager", "permissions": {"account": ["MANAGE_ORGANIZATION"]}}
    manager = data_of(send(everything, "post", f"{URL}/acme/roles", role))["id"]
    join(acme, ben, "Manager")
    client, url = member_client(ben, acme), f"{URL}/acme"
    for method, path, body in (
        ("post", "/members", {"user": "cleo", "roleId": role_of(acme, "Read only").pk}),
        ("put", f"/members/{ben.pk}", {"roleId": role_of(acme, "Read only").pk}),
        ("put", f"/roles/{manager}", {"permissions": {"actors": ["RUN"]}}),
        ("post", "/roles", {"name": "More", "permissions": {"storages": ["READ"]}}),
        ("delete", f"/members/{Membership.objects.get(role__is_owner=True).person_id}", None),
    ):
        assert send(client, method, url + path, body).status_code == 403, path
    assert Membership.objects.filter(organization=acme).count() == 2


def test_the_types_of_errors(everything, acme, ada, ben):
    url, developer = f"{URL}/acme", role_of(acme, "Developer").pk
    join(acme, ben)
    assert refusal(send(everything, "post", f"{url}/members", {"user": "ben", "roleId": developer})) == (
        409, "user-is-already-organization-member",
    )  # fmt: skip
    assert refusal(send(everything, "put", f"{url}/members/ben", {"roleId": "nothing"})) == (
        404, "organization-role-not-found",
    )  # fmt: skip
    assert refusal(send(everything, "put", f"{url}/members/ada", {"roleId": developer})) == (
        403, "user-is-organization-owner",
    )  # fmt: skip
    assert refusal(everything.delete(f"{url}/members/ada")) == (403, "user-is-organization-owner")
    assert refusal(everything.delete(f"{url}/members/cleo")) == (404, "user-is-not-member-of-organization")
    assert refusal(send(everything, "put", f"{url}/roles/nothing", {"name": "x"})) == (
        404, "organization-role-not-found",
    )  # fmt: skip
    assert refusal(send(everything, "put", f"{url}/roles/{developer}", {"permissions": {"actors": ["FLY"]}})) == (
        400, "invalid-value",
    )  # fmt: skip


def test_a_member_leaves_and_their_token_ends(acme, ben):
    join(acme, ben)
    client = member_client(ben, acme)
    assert client.delete(f"{URL}/acme/members/ben").status_code == 204
    assert client.get(URL).status_code == 401
    assert not Membership.objects.filter(person=ben).exists()
