"""Tokens of an organization: none allows more than the role of the member who makes, changes or rotates it."""

import pytest

from accounts import tokens
from accounts.models import Account, ApiToken
from accounts.organizations import members, roles
from accounts.principal import ANONYMOUS
from tests.support.api import ApiClient, data_of, send
from tests.support.organizations import acting, join, make_organization, role_of
from tests.support.sign_in import sign_in, verify

pytestmark = pytest.mark.django_db
URL = "/v2/tokens"
READS = [{"kind": "dataset", "permissions": ["READ"], "resourceId": None}]
REFUSED = (403, "insufficient-permissions")


@pytest.fixture
def acme(ada) -> Account:
    return make_organization(ada)


@pytest.fixture
def ben_client(acme, ada, ben) -> ApiClient:
    """A token of ben, whose role manages tokens and reads storages, and runs Actors, but not their rights."""
    boss = acting(ada, acme)
    may = {"actors": ["RUN"], "storages": ["READ"], "account": ["MANAGE_ACCESS_TOKENS"]}
    role = roles.add(acme, "Keys", may, by=boss)
    join(acme, ben, "Read only")
    members.change_role(acme, ben.pk, role.pk, by=boss)
    return ApiClient(tokens.create(acme, "of ben", by=acting(ben, acme), member_id=ben.pk)[1])


def refusal(response) -> tuple[int, str]:
    return response.status_code, response.json()["error"]["type"]


def organization_token(acme, **fields) -> ApiToken:
    return tokens.create(acme, "of acme", by=ANONYMOUS, **fields)[0]


BEYOND = {
    "everything": {},
    "writes": {"scope": [{"kind": "dataset", "permissions": ["WRITE"], "resourceId": None}]},
    "creates": {"scope": [{"kind": "dataset", "permissions": ["CREATE"], "resourceId": None}]},
    "of another group": {"scope": [{"kind": "task", "permissions": ["READ"], "resourceId": None}]},
    "what it makes": {"scope": [{"kind": "actor", "permissions": ["RUN"], "resourceId": None}]},
    "default storages": {
        "scope": [{"kind": "run", "permissions": ["WRITE"], "resourceId": None}],
        "default_run_storages": True,
    },
    "runs without the scope": {"scope": READS, "actor_runs": "FULL"},
}


@pytest.mark.parametrize("fields", BEYOND.values(), ids=BEYOND)
def test_what_goes_beyond_the_role_is_neither_rotated_nor_changed(acme, ben_client, fields):
    token = organization_token(acme, **fields)
    before = bytes(token.digest)
    assert refusal(send(ben_client, "post", f"{URL}/{token.pk}/rotate")) == REFUSED
    narrower = {"scope": {"entries": READS}}
    assert refusal(send(ben_client, "put", f"{URL}/{token.pk}", narrower)) == REFUSED
    token.refresh_from_db()
    assert (bytes(token.digest), token.scope) == (before, fields.get("scope"))
    assert ben_client.delete(f"{URL}/{token.pk}").status_code == 204


def test_none_is_widened_beyond_the_role(acme, ben_client):
    token = organization_token(acme, scope=READS)
    for scope in (
        None,
        {"entries": BEYOND["writes"]["scope"]},
        {"entries": READS, "actorRuns": "FULL"},
    ):
        assert refusal(send(ben_client, "put", f"{URL}/{token.pk}", {"scope": scope})) == REFUSED
    token.refresh_from_db()
    assert (token.scope, token.actor_runs) == (READS, "RESTRICTED")


def test_what_is_within_the_role(acme, ada, ben, ben_client):
    token = organization_token(acme, scope=READS, default_run_storages=True)
    assert data_of(send(ben_client, "put", f"{URL}/{token.pk}", {"name": "other"}))["name"] == "other"
    assert data_of(send(ben_client, "post", f"{URL}/{token.pk}/rotate"))["token"]
    own = data_of(send(ben_client, "post", URL, {"name": "mine"}))["id"]  # it has the role at each use
    assert data_of(send(ben_client, "post", f"{URL}/{own}/rotate"))["token"]
    full = organization_token(acme)
    of_owner = ApiClient(tokens.create(acme, "of ada", by=acting(ada, acme), member_id=ada.pk)[1])
    assert data_of(send(of_owner, "post", f"{URL}/{full.pk}/rotate"))["token"]


def test_the_pages_refuse_the_same(acme, ben, ben_client):
    token = organization_token(acme)
    client, _ = sign_in(verify(ben))
    client.post("/organizations/switch", {"account": acme.pk})
    url, form = f"/settings/integrations/{token.pk}", {"shown_for": acme.pk}
    said = client.post(f"{url}/rotate", form, follow=True).content.decode()
    assert "allows more than your own role" in said
    wanted = form | {"name": "new", "lifetime": "never", "access": "full", "actor_runs": "RESTRICTED"}
    answer = client.post(f"{url}/edit", wanted)
    assert answer.status_code == 422
    assert "allows more than your own role" in answer.content.decode()
    token.refresh_from_db()
    assert token.name == "of acme"
    assert role_of(acme, "Keys").members.get().person == ben


def test_a_token_of_the_organization_is_made_on_its_page(acme, ben, cleo, ben_client):
    page, form = "/settings/integrations", {"shown_for": acme.pk, "lifetime": "never", "actor_runs": "RESTRICTED"}
    reads = form | {"access": "limited", "scope": ["dataset:READ"], "belongs_to": "organization"}
    client, _ = sign_in(verify(ben))
    client.post("/organizations/switch", {"account": acme.pk})
    assert 'name="belongs_to"' in client.get(page, {"account": acme.pk}).content.decode()
    assert client.post(page, reads | {"name": "ours"}).status_code == 200
    assert ApiToken.objects.get(name="ours").member_id == ""
    assert client.post(page, reads | {"name": "mine", "belongs_to": "me"}).status_code == 200
    assert ApiToken.objects.get(name="mine").member_id == ben.pk
    refused = client.post(page, form | {"name": "all", "access": "full", "belongs_to": "organization"})
    assert (refused.status_code, "allows more than your own role" in refused.content.decode()) == (422, True)
    join(acme, cleo, "Developer")
    client, _ = sign_in(verify(cleo))
    client.post("/organizations/switch", {"account": acme.pk})
    assert 'name="belongs_to"' not in client.get(page, {"account": acme.pk}).content.decode()
    assert client.post(page, reads | {"name": "not ours"}).status_code == 200
    assert ApiToken.objects.get(name="not ours").member_id == cleo.pk
