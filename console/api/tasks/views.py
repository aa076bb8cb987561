"""Tasks: the list, making one, one task with its settings, and its input.

The user who makes a task must be allowed to run its Actor: a task that could not be run would be of no use. That may
end, and so it is asked again whenever the task is run. Objects within a task (`options`, `actorStandby`,
`publicConfig`) are merged into what is there, because clients send empty ones for no change; null takes one away.
"""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

import msgspec
from django.http import HttpResponse
from msgspec import UNSET, UnsetType

from accounts.lib.api_errors import ApiError, invalid_value, record_not_found
from accounts.request_types import ApiRequest
from console.api.resources import permission_levels
from console.api.resources.lists import list_response
from console.api.tasks.serializers import serialize_task, serialize_tasks
from console.http import json_responses, request_body
from console.http.request_body import empty_if_null, unset_if_null
from resources.edit_locked import NameTaken, ResourceGone
from resources.kinds import Kind
from resources.models import Task
from resources.runs import saved_options
from resources.runs.saved_options import SavedOptions
from resources.storages import InvalidName
from resources.tasks import editing
from resources.tasks.editing import InvalidTask, TaskChange
from sharing.declare import creates, lists, needs
from sharing.enforcement.request_types import ResourceApiRequest
from sharing.enforcement.require import get_or_refuse
from sharing.permissions import Permission
from sharing.policies.code_choice import check_change
from sharing.policies.scoped_starts import check_may_run

Given = dict[str, Any] | UnsetType | None


class TaskBody(msgspec.Struct, rename="camel"):
    """The body of a POST or PUT of a task; what is not given stays as it is."""

    act_id: str | UnsetType | None = UNSET
    name: str | UnsetType | None = UNSET
    title: str | UnsetType | None = UNSET
    description: str | UnsetType | None = UNSET
    options: Given = UNSET
    input: msgspec.Raw | UnsetType = UNSET
    actor_standby: Given = UNSET
    public_config: Given = UNSET
    is_public: bool | UnsetType | None = UNSET


@lists(Kind.TASK)
def list_tasks(request: ApiRequest) -> HttpResponse:
    """Answer with a page of the tasks that the account may read."""
    return list_response(request, Kind.TASK, serialize_tasks)


@creates(Kind.TASK)
def create(request: ApiRequest) -> HttpResponse:
    """Create a task that the account owns."""
    body = request_body.read_json(request, TaskBody)
    if not body.act_id:
        raise invalid_value("actId", "it is required.")
    principal = request.principal
    actor = get_or_refuse(principal, Kind.ACTOR, body.act_id, Permission.RUN)
    try:
        task = editing.create(principal.account_id or "", actor, _change(body, None), by=principal)
    except _REFUSED as error:
        raise _as_api_error(error) from None
    return json_responses.data_response(
        serialize_task(task, principal.username), json_responses.CREATED, location=task.api_url
    )


@needs(Kind.TASK, Permission.READ)
def show(request: ResourceApiRequest[Task]) -> HttpResponse:
    """Answer with a task and its input."""
    return _answer(request)


@needs(Kind.TASK, Permission.WRITE)
def update(request: ResourceApiRequest[Task]) -> HttpResponse:
    """Change what is given. The Actor of a task is that for good, and only its owner chooses the build."""
    body = request_body.read_json(request, TaskBody)
    task = request.resource
    if unset_if_null(body.act_id) not in (UNSET, task.actor_id):
        raise invalid_value("actId", "the Actor of a task cannot be changed.")
    _update(request, lambda locked: _change(body, locked))
    return _answer(request)


@needs(Kind.TASK, Permission.WRITE)
def delete(request: ResourceApiRequest[Task]) -> HttpResponse:
    """Delete a task; its runs stay."""
    if not editing.delete(request.resource, by=request.principal):
        raise record_not_found("Actor task was not found.")
    return json_responses.no_content()


@needs(Kind.TASK, Permission.READ)
def show_input(request: ResourceApiRequest[Task]) -> HttpResponse:
    """Answer with the input of a task as it is, and with an empty object where there is none."""
    return _answer_with_input(request)


@needs(Kind.TASK, Permission.WRITE)
def update_input(request: ResourceApiRequest[Task]) -> HttpResponse:
    """Change those fields of the input that are given, and answer with all of them."""
    body = request_body.read_json(request, msgspec.Raw)
    fields = _object(bytes(body))
    if fields is None:
        raise ApiError(HTTPStatus.BAD_REQUEST, "input-json-not-object", "The input must be a JSON object.")
    _update(request, lambda locked: _with_fields(locked, fields))
    return _answer_with_input(request)


def _with_fields(task: Task, fields: Mapping[str, msgspec.Raw]) -> TaskChange:
    saved = _object(task.input.encode()) or {}
    return TaskChange(input=msgspec.json.encode({**saved, **fields}).decode())


def _update(request: ResourceApiRequest[Task], change: Callable[[Task], TaskChange]) -> None:
    check_may_run(request.principal, request.resource.actor_id)
    try:
        editing.update(
            request.resource,
            lambda locked: check_change(locked, change(locked), by=request.principal),
            by=request.principal,
        )
    except _REFUSED as error:
        raise _as_api_error(error) from None
    except ResourceGone:
        raise record_not_found("Actor task was not found.") from None


_REFUSED = (InvalidName, NameTaken, InvalidTask)


def _as_api_error(error: Exception) -> ApiError:
    if isinstance(error, NameTaken):
        return json_responses.conflict_error("actor-task-name-not-unique", str(error))
    return invalid_value(error.field if isinstance(error, InvalidTask) else "name", str(error))


def _change(body: TaskBody, task: Task | None) -> TaskChange:
    """Return what a body wants of a task, or of a new one."""
    if body.is_public:
        raise invalid_value("isPublic", "this server has no public pages of tasks; publish the Actor instead.")
    standby, public_config = body.actor_standby, body.public_config
    return TaskChange(
        name=unset_if_null(body.name),
        title=empty_if_null(body.title),
        description=empty_if_null(body.description),
        options=UNSET if body.options is UNSET else _options(task, body.options),
        input=UNSET if body.input is UNSET else _input(bytes(body.input)),
        standby=UNSET if standby is UNSET else _merged(_detail(task, "actorStandby"), standby),
        public_config=UNSET if public_config is UNSET else _merged(_detail(task, "publicConfig"), public_config),
    )


def _detail(task: Task | None, name: str) -> dict[str, Any] | None:
    return editing.get_detail(task, name) if task else None


def _options(task: Task | None, options: dict[str, Any] | None) -> SavedOptions:
    saved = msgspec.to_builtins(saved_options.load_options(task.options)) if task else {}
    merged = _merged(saved, options) or {}
    try:
        converted = msgspec.convert(merged, SavedOptions)
    except msgspec.ValidationError as error:
        raise invalid_value("options", f"{error}.") from None
    permission_levels.check("options.forcePermissionLevel", converted.force_permission_level)
    return converted


def _merged(saved: Mapping[str, Any] | None, changes: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if changes is None:
        return None
    return {name: value for name, value in {**(saved or {}), **changes}.items() if value is not None}


def _input(data: bytes) -> str | None:
    """Return the text of an input: an object, or a list of objects as clients may send it; null is none."""
    try:
        value = msgspec.json.decode(data)
    except msgspec.DecodeError as error:  # what a body may hold where nothing looks, as a number that is too large
        raise invalid_value("input", f"{error}.") from None
    if value is None:
        return None
    if not isinstance(value, dict | list):
        raise ApiError(HTTPStatus.BAD_REQUEST, "input-json-not-object", "The input must be a JSON object.")
    return data.decode()


def _object(text: bytes) -> dict[str, msgspec.Raw] | None:
    try:
        return msgspec.json.decode(text, type=dict[str, msgspec.Raw])
    except msgspec.DecodeError:
        return None


def _answer(request: ResourceApiRequest[Task]) -> HttpResponse:
    return json_responses.data_response(serialize_task(request.resource, request.access.facts.owner_username))


def _answer_with_input(request: ResourceApiRequest[Task]) -> HttpResponse:
    task = request.resource
    response = json_responses.json_response(task.input.encode() or b"{}")
    if task.input:
        response.headers["Content-Type"] = task.input_content_type
    return response
