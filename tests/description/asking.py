"""Requests that are made up from the description, and who sends them to what."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import requests
import schemathesis
from django.test import Client
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.description import facts

HOST = "http://testserver"
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
# Where the parts of a path come from: mostly what there is, by its ID or its name, as chance alone would find nothing.
PLACES = st.sampled_from(["id", "id", "id", "name", "made up"])


@cache
def description() -> Any:
    """Return the description as schemathesis reads it."""
    return schemathesis.openapi.from_dict(json.loads(json.dumps(facts())))


def cases(method: str, path: str) -> st.SearchStrategy[schemathesis.Case]:
    """Make up requests of one operation, right ones and wrong ones."""
    operation = description()[path][method.upper()]
    return st.one_of([operation.as_strategy(generation_mode=mode) for mode in GenerationMode])


@dataclass
class Stage:
    """What there is to be asked for, and who asks.

    `ids` and `names` give the parts of a path that name something, by the parameter's name in the description:
    `{"datasetId": "v97sBspw3PuWQIWou"}`. `query` and `body` hold what a request must say to meet what there is, each
    used in place of what was made up where the operation takes it.
    """

    tokens: dict[str, str | None]
    ids: dict[str, str] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    query: dict[str, Any] = field(default_factory=dict)
    body: dict[str, dict[str, Any]] = field(default_factory=dict)
    client: Client = field(default_factory=lambda: Client(raise_request_exception=False))

    def aim(self, case: Any, place: str, numbers: Mapping[str, int] | None) -> None:
        """Have a made-up request meet what there is, and with `numbers` say what is needed for an answer of 200."""
        there = {"id": self.ids, "name": self.ids | self.names}.get(place)
        if there is None:
            return
        parts = case.path_parameters or {}
        for name in parts.keys() & there.keys():
            parts[name] = there[name]
        if numbers is None:
            return
        better = {**numbers, **self.query}
        for name in (case.query or {}).keys() & better.keys():
            case.query[name] = better[name]
        for name in parts.keys() & self.body.keys():
            if isinstance(case.body, dict):
                case.body = {key: value for key, value in case.body.items() if key != "id"} | self.body[name]

    def ask(self, kwargs: dict[str, Any], who: str) -> schemathesis.Response:
        """Send a request as somebody, and return the answer in the form that it is checked in."""
        prepared = requests.Request(**kwargs).prepare()
        url = urlsplit(str(prepared.url))
        headers = {name: str(value) for name, value in prepared.headers.items() if name.lower() != "authorization"}
        if token := self.tokens[who]:
            headers["Authorization"] = f"Bearer {token}"
        body = prepared.body or b""
        answer = self.client.generic(
            prepared.method or "",
            url.path,
            body.encode() if isinstance(body, str) else body,
            headers.pop("Content-Type", "application/octet-stream"),
            headers=headers,
            QUERY_STRING=url.query,
        )
        content = answer.getvalue() if answer.streaming else answer.content
        sent = {name.lower(): [value] for name, value in answer.headers.items()}
        return schemathesis.Response(answer.status_code, sent, content, prepared, elapsed=0, verify=False)
