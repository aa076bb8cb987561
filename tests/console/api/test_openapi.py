"""`GET /v2/openapi.json`: the description of this API, held to the URL configuration."""

import re

import pytest
import schemathesis
from django.urls import get_resolver

from console.api.openapi.document import OURS
from sharing.declare import EVERY_METHOD, Public, declared
from sharing.system_checks import iterate_views
from tests.description import facts

ADDRESS = "/v2/openapi.json"
pytestmark = pytest.mark.django_db


@pytest.fixture
def described(api):
    return api().get(ADDRESS).json()


def shape(path: str) -> str:
    return re.sub(r"\{\w+\}|<[\w:]+>", "{}", path)


def configured() -> set[tuple[str, str]]:
    """Return every operation of the URL configuration."""
    v2 = [(route, pattern) for route, pattern in iterate_views(get_resolver()) if route.startswith("v2/")]
    return {
        ("/" + shape(route), method.lower())
        for route, pattern in v2
        for method in declared(pattern.callback)
        if method != EVERY_METHOD
    }


def test_it_is_for_everyone(api, ada):
    for client in (api(), api(ada)):
        answer = client.get(ADDRESS)
        assert (answer.status_code, answer["Content-Type"].partition(";")[0]) == (200, "application/json")


def test_every_route_and_method_is_in_it_and_nothing_else(described):
    found = {(shape(path), method) for path, methods in described["paths"].items() for method in methods}
    assert found == configured()
    assert len(found) > 200


def test_what_is_ours_is_marked_and_nothing_of_apifys(described):
    apifys = {(shape(path), method) for path, methods in facts()["paths"].items() for method in methods}
    for path, methods in described["paths"].items():
        newer = shape(re.sub(r"^/v2/acts(?=/|$)", "/v2/actors", path))
        for method, operation in methods.items():
            assert operation.get(OURS, False) is ((newer, method) not in apifys), (method, path)
            assert operation.get("deprecated", False) or not path.startswith("/v2/acts")
    rights = described["paths"]["/v2/datasets/{address}/access-rights"]
    assert rights["get"][OURS] is True
    dataset = described["paths"]["/v2/datasets/{datasetId}"]["get"]
    assert dataset["responses"] == facts()["paths"]["/v2/datasets/{datasetId}"]["get"]["responses"]


def test_what_needs_no_token_says_so(described):
    public = {
        ("/" + shape(route), method.lower())
        for route, pattern in iterate_views()
        for method, need in declared(pattern.callback).items()
        if isinstance(need, Public) and route.startswith("v2/") and method != EVERY_METHOD
    }
    said = {
        (shape(path), method)
        for path, methods in described["paths"].items()
        for method, operation in methods.items()
        if operation["security"] == []
    }
    assert said == public
    assert ("/v2/openapi.json", "get") in said


def test_it_is_a_description_that_programs_can_read(described):
    loaded = schemathesis.openapi.from_dict(described)
    loaded.validate()
    names = [
        operation["operationId"]
        for methods in described["paths"].values()
        for operation in methods.values()
        if "operationId" in operation
    ]
    assert len(names) == len(set(names))
