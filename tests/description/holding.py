"""The tests that hold operations to the description, whatever they are operations of."""

import os
from codecs import BOM_UTF8
from collections.abc import Container, Mapping
from typing import Any

from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.specs.openapi.checks import status_code_conformance

from tests.description.asking import CHECKS, HOST, PLACES, Stage, cases, description

EXAMPLES = int(os.environ.get("DESCRIPTION_EXAMPLES", "0"))
FEW = 6
NUMBERS = st.fixed_dictionaries(
    {"limit": st.integers(0, 3), "offset": st.integers(0, 3), "lockSecs": st.integers(1, 99)}
)
# The queries and bodies that operations must be sent to succeed, by method and path.
Plain = Mapping[tuple[str, str], tuple[dict[str, Any], Any]]


def hold(case: Any, answer: Any) -> None:
    """Check an answer.

    The description has a type of content for what is deleted, which has no content; and it has JSON where somebody asks
    for a byte order mark before it, which no parser of JSON wants, and which is left out of the check for that.
    """
    if "bom" in (case.query or {}) and answer.content.startswith(BOM_UTF8):
        answer.content = answer.content.removeprefix(BOM_UTF8)
    case.validate_response(answer, checks=[status_code_conformance] if answer.status_code == 204 else CHECKS)


def hold_made_up_requests(
    stage: Stage, method: str, path: str, *, few: int = FEW, besides: Container[int] = ()
) -> None:
    """Send requests that are made up, each by everybody on the stage and then undone, and check what they are answered.

    There are `few` of them, the same at each run, or as many others as DESCRIPTION_EXAMPLES says. `besides` are
    statuses that are answered and not described, each of which is listed with its reason and tested by itself.
    """

    @settings(
        max_examples=EXAMPLES or few,
        derandomize=not EXAMPLES,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases(method, path), place=PLACES, numbers=st.none() | NUMBERS)
    def check(case, place, numbers):
        stage.aim(case, place, numbers)
        kwargs = case.as_transport_kwargs(base_url=HOST)
        with transaction.atomic():
            for who in stage.tokens:
                answer = stage.ask(kwargs, who)
                if answer.status_code not in besides:
                    hold(case, answer)
            transaction.set_rollback(True)

    check()


def hold_the_plainest_request(stage: Stage, method: str, path: str, query: dict[str, Any], body: Any) -> None:
    """Let the owner send the plainest request of an operation that is to succeed, and check that it does.

    Without it, all made-up requests of an operation might be refused, and its success be held to nothing.
    """
    parts = {name: value for name, value in stage.ids.items() if f"{{{name}}}" in path}
    content = {} if body is None else {"body": body, "media_type": "application/json"}
    case = description()[path][method.upper()].Case(path_parameters=parts, query=query, **content)
    answer = stage.ask(case.as_transport_kwargs(base_url=HOST), "the owner")
    assert 200 <= answer.status_code < 300, answer.content
    hold(case, answer)
