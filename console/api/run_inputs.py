"""Whether the input of a run is what the build that it will run asks for.

Values that a field has by default are filled in by the SDK, in the run, so a field that has one may be left out.
"""

from typing import Any, cast

from console.api import answers, bodies
from console.api.run_requests import JSON_TYPES
from resources.actors.inputs import problems
from resources.models import Actor, BuildContent, Task
from resources.runs.options import RunOptions, merged
from resources.runs.starting import build_to_run

_SHOWN = 20


def check_input(actor: Actor, task: Task | None, options: RunOptions, body: bytes | None, content_type: str) -> None:
    """Refuse an input that the input schema of the build does not allow; no input is an empty one.

    What is not JSON is the Actor's own business, and so is everything where the build has no schema.

    Raises:
        ApiError: 400 `invalid-input` naming the fields, and whatever reading JSON raises.
        CannotRun: when there is no build to run.
    """
    build = build_to_run(actor, merged(actor, task, options).build or "")
    schema = BuildContent.objects.filter(build_id=build.pk).values_list("input_schema", flat=True).first()
    if not schema or (body is not None and not JSON_TYPES.match(content_type)):
        return
    refuse(problems(schema, _value(body)))


def refuse(found: list[str]) -> None:
    """Refuse an input with which there are problems.

    Raises:
        ApiError: 400 `invalid-input`, saying the first ones.
    """
    if found:
        raise answers.bad_request("invalid-input", f"Input is not valid: {' '.join(found[:_SHOWN])}")


def _value(body: bytes | None) -> Any:
    return {} if body is None else bodies.decode_json(body, cast("type[Any]", Any))
