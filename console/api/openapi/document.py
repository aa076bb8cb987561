"""The OpenAPI description of this API, made of its URL configuration.

`apify-v2.json` has the facts of Apify's description, which is licensed under Apache-2.0: paths, parameters, statuses
and shapes, without its sentences. Operations that it does not have are ours, and marked with `x-latchkey`;
`latchkey.json` describes them, by the ends of their paths, and their shapes. Tests hold what is answered to both. An
older name of a collection is described as the newer one, and deprecated.
"""

import re
from collections.abc import Iterable, Iterator
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any, Final

import msgspec
from django.conf import settings

from accounts.principal import CREATE
from resources.kinds import Kind
from sharing.access import AddressedBy, Reason
from sharing.declare import EVERY_METHOD, Need, Public, Requires, declared
from sharing.models import Issue
from sharing.permissions import EVERYTHING, Permission
from sharing.system_checks import iterate_views

FACTS: Final = Path(__file__).parent / "apify-v2.json"
FACTS_OF_OURS: Final = Path(__file__).parent / "latchkey.json"
OURS: Final = "x-latchkey"
PREFIX: Final = "v2/"
_OLDER: Final = {"/v2/acts": "/v2/actors"}
_TOKEN: Final[list[dict[str, list[str]]]] = [{"httpBearer": []}, {"apiKey": []}]
_PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>")
_REFERENCE = "#/components/"


@cache
def document() -> dict[str, Any]:
    """Return the description, to be read only; it is made once, for no URL changes while the server runs."""
    facts = load_facts()
    paths: dict[str, dict[str, Any]] = {}
    for template, method, need in iterate_operations():
        known = _known_path(template)
        described = facts["paths"].get(known or "", {}).get(method)
        path = _with_names(template, known) if known else template
        operation = (
            deepcopy(described) if described else _describe_ours(path, method, facts["paths"].get(known or "", {}))
        )
        if any(template.startswith(each) for each in _OLDER):
            operation["deprecated"] = True
            operation.pop("operationId", None)  # that of the newer name
        operation["security"] = _security(need)
        paths.setdefault(path, {})[method] = operation
    return {
        "openapi": facts["openapi"],
        "info": {"title": "Latchkey API", "version": facts["info"]["version"], "license": facts["info"]["license"]},
        "servers": [{"url": settings.PUBLIC_URL}],
        "security": _TOKEN,
        "paths": dict(sorted(paths.items())),
        "components": _components(facts, paths),
    }


@cache
def load_facts() -> dict[str, Any]:
    """Return the facts of Apify's description, with the schemas of ours, to be read only."""
    facts: dict[str, Any] = msgspec.json.decode(FACTS.read_bytes())
    facts["components"]["schemas"] |= _load_ours()["schemas"] | _SCHEMAS
    return facts


@cache
def _load_ours() -> dict[str, Any]:
    ours: dict[str, Any] = msgspec.json.decode(FACTS_OF_OURS.read_bytes())
    return ours


def iterate_operations() -> Iterator[tuple[str, str, Need]]:
    """Yield the path with `{names}`, the method and the need of each operation of the API, of its URL configuration."""
    for route, pattern in iterate_views():
        if not route.startswith(PREFIX):
            continue
        template = "/" + _PARAMETER.sub(r"{\1}", route)
        for method, need in declared(pattern.callback).items():
            if method != EVERY_METHOD:
                yield template, method.lower(), need


@cache
def _paths_by_shape() -> dict[str, str]:
    """Return the paths of Apify's description by what they are without the names of their parameters."""
    return {_shape(path): path for path in load_facts()["paths"]}


def _shape(path: str) -> str:
    return re.sub(r"\{\w+\}", "{}", path)


def _known_path(template: str) -> str | None:
    """Return the path by which Apify's description has one of ours, None where it has none."""
    newer = template
    for older, name in _OLDER.items():
        if template == older or template.startswith(f"{older}/"):
            newer = name + template.removeprefix(older)
    return _paths_by_shape().get(_shape(newer))


def _with_names(template: str, known: str) -> str:
    """Return a path of ours with the names that the parameters of a known one have."""
    names = iter(re.findall(r"\{\w+\}", known))
    return re.sub(r"\{\w+\}", lambda _: next(names), template)


def _describe_ours(path: str, method: str, known: dict[str, Any]) -> dict[str, Any]:
    """Return an operation that is not in Apify's description; `known` is what that has of the path."""
    parts = re.findall(r"\w+", path.removeprefix(f"/{PREFIX}"))
    if method == "head":
        operation = _describe_head(known.get("get") or _described_by_end(path, "get"))
    else:
        operation = _described_by_end(path, method)
    error = {"application/json": {"schema": {"$ref": f"{_REFERENCE}schemas/ErrorResponse"}}}
    operation["responses"]["4XX"] = {"description": "", "content": error}
    return operation | {OURS: True, "operationId": f"latchkey_{'_'.join(parts)}_{method}"}


def _describe_head(get: dict[str, Any]) -> dict[str, Any]:
    """Return the operation that answers as `get` does, without a body."""
    return {"parameters": get.get("parameters", []), "responses": {"2XX": {"description": ""}}}


def _described_by_end(path: str, method: str) -> dict[str, Any]:
    """Return a copy of what `latchkey.json` has by the end of a path, the longest one that fits."""
    operations = _load_ours()["operations"]
    ends = [end for end in operations if _shape(path).endswith(end) and method in operations[end]]
    operation: dict[str, Any] = deepcopy(operations[max(ends, key=len)][method])
    operation["parameters"] += [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"\{(\w+)\}", path)
    ]
    return operation


def _security(need: Need) -> list[dict[str, list[str]]]:
    """Return the credentials that an operation takes: none, a token, or one where what is read is not open to all."""
    if isinstance(need, Public):
        return []
    is_open = isinstance(need, Requires) and Permission.READ in need.permissions and not need.needs_account
    return [{}, *_TOKEN] if is_open else _TOKEN


def _components(facts: dict[str, Any], paths: dict[str, Any]) -> dict[str, Any]:
    """Return those components that are referred to, also by one another."""
    wanted, waiting = set[str](), list(_references(paths))
    while waiting:
        reference = waiting.pop()
        if reference not in wanted:
            wanted.add(reference)
            group, name = reference.split("/")
            waiting += _references(facts["components"][group][name])
    components: dict[str, Any] = {"securitySchemes": facts["components"]["securitySchemes"]}
    for reference in sorted(wanted):
        group, name = reference.split("/")
        components.setdefault(group, {})[name] = facts["components"][group][name]
    return components


def _references(part: Any) -> Iterator[str]:
    """Yield what a part refers to, as `group/name` of a component, the mappings of discriminators included."""
    if isinstance(part, dict):
        for value in part.values():
            yield from _references(value)
    elif isinstance(part, list):
        for value in part:
            yield from _references(value)
    elif isinstance(part, str) and part.startswith(_REFERENCE):
        yield part.removeprefix(_REFERENCE)


def _enumerate(names: Iterable[str]) -> dict[str, Any]:
    return {"type": "string", "enum": list(names)}


# Shapes whose values stand in the code.
_SCHEMAS: Final = {
    "LatchkeyPermission": _enumerate(EVERYTHING.names),
    "LatchkeyReason": _enumerate(Reason),
    "LatchkeyAddressedBy": _enumerate(AddressedBy),
    "LatchkeyScopePermission": _enumerate((*EVERYTHING.names, CREATE)),
    "LatchkeyKind": _enumerate(Kind),
    "LatchkeyIssueState": _enumerate(Issue.State.values),
}
