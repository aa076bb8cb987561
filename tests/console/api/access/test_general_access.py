"""Who may read a dataset over HTTP at every level of general access, by ID and by name, and what others are told."""

import json

import pytest

from resources.kinds import KINDS, Kind
from resources.models import GeneralAccess
from sharing import grants
from sharing.permissions import Permission
from tests.support.api import error_of, message_of

LEVELS = [level.value for level in GeneralAccess]
STORAGE_TEXT = (
    "Insufficient permissions for the {noun}. Make sure you're passing a correct API token and that it has the "
    "required permissions."
)
# What somebody holds on the dataset; cleo is a stranger, and so is anybody with a token whose scope is elsewhere.
HELD = {"reader": Permission.READ, "writer": Permission.WRITE, "manager": Permission.MANAGE_ACCESS_RIGHTS}
ROLES = ["owner", *HELD, "stranger", "anonymous", "scoped elsewhere"]


@pytest.fixture
def cast(api, ada, make_account, make_resource):
    """Return a dataset of ada's called prices, and a client for everybody."""
    dataset = make_resource(Kind.DATASET, ada, name="prices")
    clients = {"owner": api(ada), "stranger": api(make_account("cleo")), "anonymous": api()}
    clients["scoped elsewhere"] = api(
        ada, scope=[{"kind": "dataset", "permissions": ["WRITE"], "resourceId": "x" * 17}]
    )
    for role, permission in HELD.items():
        person = make_account(role)
        grants.grant(dataset, person, permission, by=ada.principal)
        clients[role] = api(person)
    return dataset, clients


def set_level(dataset, account_level, level):
    type(dataset.owner).objects.filter(pk=dataset.owner_id).update(general_access=account_level)
    type(dataset).objects.filter(pk=dataset.pk).update(general_access=level)


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("account_level", ["RESTRICTED", "ANYONE_WITH_ID_CAN_READ"])
def test_reading(cast, account_level, level, role):
    dataset, clients = cast
    set_level(dataset, account_level, level)
    effective = account_level if level == "FOLLOW_USER_SETTING" else level
    explicit = role in ("owner", *HELD)
    open_to = {"ID": effective != "RESTRICTED", "NAME": effective == "ANYONE_WITH_NAME_CAN_READ"}
    for by, address in (("ID", dataset.pk), ("NAME", "ada~prices")):
        response = clients[role].get(f"/v2/datasets/{address}")
        if explicit or open_to[by]:
            assert response.status_code == 200
            assert response.json()["data"]["id"] == dataset.pk
        elif by == "ID":
            assert error_of(response) == (403, "insufficient-permissions")
            assert tells_no_more(response, role)
        else:
            assert error_of(response) == (404, "record-not-found")


def tells_no_more(response, role: str) -> bool:
    """Tell whether a refusal by ID says only that something is missing, and to a scoped token that it is its scope."""
    message, general = message_of(response), STORAGE_TEXT.format(noun="dataset")
    if role == "scoped elsewhere":
        return message.startswith(general) and message.endswith("Its scope does not name this dataset.")
    return message == general


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("level", LEVELS)
def test_changing(cast, level, role):
    dataset, clients = cast
    set_level(dataset, "RESTRICTED", level)
    opened = {"ID": level != "RESTRICTED" and level != "FOLLOW_USER_SETTING", "NAME": level.endswith("NAME_CAN_READ")}
    for by, address in (("ID", dataset.pk), ("NAME", "ada~prices")):
        response = clients[role].put(f"/v2/datasets/{address}", json.dumps({"title": role}), "application/json")
        if role in ("owner", "writer"):
            assert response.status_code == 200
        elif role == "anonymous":
            assert error_of(response) == (401, "token-not-provided")
        elif role == "manager":
            assert error_of(response) == (403, "insufficient-permissions-to-change-field")
            assert '"title"' in message_of(response)
        elif role == "reader" or opened[by]:
            assert error_of(response) == (403, "insufficient-permissions")
            assert "Missing permission: WRITE" in message_of(response)
        elif by == "ID":
            assert error_of(response) == (403, "insufficient-permissions")
            assert tells_no_more(response, role)
        else:
            assert error_of(response) == (404, "record-not-found")
    dataset.refresh_from_db()
    assert dataset.title == (role if role in ("owner", "writer") else "")


@pytest.mark.parametrize("path", ["{id}", "ada~prices", "{missing}"])
@pytest.mark.parametrize("by_query", [False, True])
def test_a_bad_token_is_refused_even_where_none_is_needed(cast, client, path, by_query):
    dataset, _ = cast
    set_level(dataset, "RESTRICTED", "ANYONE_WITH_NAME_CAN_READ")
    url = "/v2/datasets/" + path.format(id=dataset.pk, missing="0" * 17)
    token = "latchkey_api_" + "0" * 36
    response = (
        client.get(url, {"token": token}) if by_query else client.get(url, headers={"Authorization": f"Bearer {token}"})
    )
    assert error_of(response) == (401, "user-or-token-not-found")
    assert token not in response.content.decode()


@pytest.mark.parametrize("kind", [kind for kind, info in KINDS.items() if info.general_access])
def test_every_kind_by_id_says_what_it_is(kind, api, cleo, ada, make_resource):
    resource = make_resource(kind, ada, general_access="RESTRICTED")
    for client in (api(cleo), api()):
        response = client.get(f"/v2/{KINDS[kind].api_path}/{resource.pk}")
        assert error_of(response) == (403, "insufficient-permissions")
        assert message_of(response) == STORAGE_TEXT.format(noun=KINDS[kind].noun)


@pytest.mark.parametrize("kind", [kind for kind, info in KINDS.items() if info.general_access and kind != Kind.DATASET])
def test_every_kind_is_shared_by_its_level(kind, api, ada, ben, make_resource):
    resource = make_resource(kind, ada, general_access="RESTRICTED")
    url = f"/v2/{KINDS[kind].api_path}/{resource.pk}"
    response = api(ada).put(url, json.dumps({"generalAccess": "ANYONE_WITH_ID_CAN_READ"}), "application/json")
    assert response.json()["data"]["generalAccess"] == "ANYONE_WITH_ID_CAN_READ"
    seen = api().get(url).json()["data"]
    assert seen["id"] == resource.pk
    assert seen["userId"] == ada.pk
    assert seen["consoleUrl"].endswith(resource.console_path)
    assert error_of(api().put(url, "{}", "application/json")) == (401, "token-not-provided")
    assert error_of(api(ben).put(url, "{}", "application/json")) == (403, "insufficient-permissions")
    grants.grant(resource, ben, Permission.WRITE, by=ada.principal)
    response = api(ben).put(url, json.dumps({"generalAccess": "RESTRICTED"}), "application/json")
    assert error_of(response) == (403, "insufficient-permissions-to-change-field")
    assert api().get(url).status_code == 200
    response = api(ada).put(url, json.dumps({"generalAccess": "RESTRICTED"}), "application/json")
    assert response.status_code == 200
    assert error_of(api().get(url)) == (403, "insufficient-permissions")


@pytest.mark.parametrize("kind", [kind for kind, info in KINDS.items() if info.general_access])
@pytest.mark.parametrize("level", ["PUBLIC", "", "restricted", "ANYONE_WITH_NAME_CAN_READ", None, 5, ["RESTRICTED"]])
def test_a_level_that_there_is_not(kind, level, api, ada, make_resource):
    resource = make_resource(kind, ada)
    url = f"/v2/{KINDS[kind].api_path}/{resource.pk}"
    response = api(ada).put(url, json.dumps({"generalAccess": level}), "application/json")
    assert error_of(response) == (400, "invalid-value")
    assert "generalAccess" in message_of(response)
    resource.refresh_from_db()
    assert resource.general_access == "FOLLOW_USER_SETTING"


def test_a_field_that_cannot_be_changed_yet_is_refused(api, ada, make_resource):
    run = make_resource(Kind.RUN, ada)
    response = api(ada).put(f"/v2/actor-runs/{run.pk}", '{"name": "x"}', "application/json")
    assert error_of(response) == (400, "invalid-value")
    assert '"name"' in message_of(response)


def test_by_name_only_where_there_is_a_name(api, ada, make_resource):
    make_resource(Kind.DATASET, ada, name="prices", general_access="ANYONE_WITH_NAME_CAN_READ")
    assert api(ada).get("/v2/datasets/~prices").status_code == 200
    assert api().get("/v2/datasets/ADA~prices").status_code == 200
    for address in ("~prices", "ada~Prices", "ada~", "~", "nobody~prices", "ada~prices~", "prices"):
        assert error_of(api().get(f"/v2/datasets/{address}")) == (404, "record-not-found"), address
