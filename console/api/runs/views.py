"""Runs: the lists, and one run with its settings."""

import re
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

import msgspec
from django.db import transaction
from django.http import HttpResponse, HttpResponseBase, QueryDict
from msgspec import UNSET, UnsetType

from accounts.lib.api_errors import ApiError, invalid_value, record_not_found
from accounts.middleware import token_from_request
from accounts.request_types import ApiRequest
from console.api.resources.lists import OWNERSHIPS
from console.api.resources.update import change_general_access, check_may_change
from console.api.runs.serializers import serialize_run, serialize_runs
from console.api.runs.wait_for_finish import seconds_to_wait, when_finished
from console.http import json_responses, request_body
from console.http.pagination import Page, parse_choice
from resources.kinds import Kind
from resources.models import Actor, Run, Task
from resources.runs import deleting
from resources.runs.messages import without_secrets
from sharing.declare import lists, needs
from sharing.enforcement.request_types import ResourceApiRequest
from sharing.enforcement.resource_addresses import statuses_in
from sharing.lists import Ownership, count_listed, listed
from sharing.permissions import Permission

MAX_STATUS_MESSAGE = 1000
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:T[0-9:.]{4,15}(?:Z|[+-][0-9:]{2,6})?)?\Z", re.ASCII)


class RunChange(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    """The body of a PUT of a run; what is not given stays as it is, and what cannot be changed here is refused."""

    run_id: str | UnsetType = UNSET
    status_message: str | UnsetType = UNSET
    is_status_message_terminal: bool | UnsetType | None = UNSET
    general_access: str | UnsetType = UNSET
    # What crawlee and the SDK for JavaScript log the message at themselves, and send along with each.
    level: str | UnsetType | None = UNSET


@lists(Kind.RUN)
def list_runs(request: ApiRequest) -> HttpResponse:
    """Answer with a page of the runs that the account may read, in a number of queries that never grows."""
    return _list(request)


@needs(Kind.ACTOR, Permission.READ, needs_account=True, lists=Kind.RUN)
def list_for_actor(request: ResourceApiRequest[Actor]) -> HttpResponse:
    """Answer with a page of those runs of the Actor that the account may read."""
    return _list(request, actor_id=request.resource.pk)


@needs(Kind.TASK, Permission.READ, needs_account=True, lists=Kind.RUN)
def list_for_task(request: ResourceApiRequest[Task]) -> HttpResponse:
    """Answer with a page of those runs of the task that the account may read."""
    return _list(request, task_id=request.resource.pk)


@needs(Kind.RUN, Permission.READ)
def show(request: ResourceApiRequest[Run]) -> HttpResponseBase:
    """Answer with a run, once it has finished or the time that one wants to wait is over."""
    return when_finished(
        request, request.resource, seconds_to_wait(request.GET), lambda has_finished: run_response(request)
    )


@needs(Kind.RUN, Permission.WRITE, Permission.MANAGE_ACCESS_RIGHTS)
def update(request: ResourceApiRequest[Run]) -> HttpResponse:
    """Change the status message, which needs WRITE, and the general access, which needs MANAGE_ACCESS_RIGHTS."""
    change = request_body.read_json(request, RunChange)
    if change.run_id is not UNSET and change.run_id != request.resource.pk:
        raise ApiError(HTTPStatus.BAD_REQUEST, "id-does-not-match", "The runId is not that of the URL.")
    with transaction.atomic():
        if change.status_message is not UNSET or change.is_status_message_terminal is not UNSET:
            check_may_change(request, "statusMessage", Permission.WRITE)
            _say(request, change)
        if change.general_access is not UNSET:
            change_general_access(request, change.general_access)
    request.resource.refresh_from_db()
    return run_response(request)


@needs(Kind.RUN, Permission.WRITE)
def delete(request: ResourceApiRequest[Run]) -> HttpResponse:
    """Delete a run that has finished, with its storages."""
    try:
        if not deleting.delete(request.resource, by=request.principal):
            raise record_not_found("Actor run was not found.")
    except deleting.NotFinished as error:
        raise ApiError(HTTPStatus.BAD_REQUEST, "cannot-remove-running-run", str(error)) from None
    return json_responses.no_content()


def run_response(request: ResourceApiRequest[Run]) -> HttpResponse:
    """Return the request's run as it is now."""
    return json_responses.data_response(serialize_run(request.resource, request.access))


def _say(request: ResourceApiRequest[Run], change: RunChange) -> None:
    """Set the status message. A new one is not the last one unless it is said to be."""
    message, is_last = change.status_message, change.is_status_message_terminal
    if message is UNSET:
        raise ApiError(
            HTTPStatus.BAD_REQUEST,
            "cannot-set-is-status-message-terminal",
            "isStatusMessageTerminal can only be set together with statusMessage.",
        )
    if len(message) > MAX_STATUS_MESSAGE or "\x00" in message:
        raise invalid_value("statusMessage", f"it must have at most {MAX_STATUS_MESSAGE} characters, and no NUL.")
    run, principal = request.resource, request.principal
    # Messages of other clients stay as they are: what is hidden in them would tell them the secrets of the run.
    if principal.run and principal.run.id == run.pk:
        message = without_secrets(run, message, token_from_request(request) or "")
    Run.objects.filter(pk=run.pk).update(status_message=message, is_status_message_terminal=is_last is True)


def _list(request: ApiRequest, **of: str) -> HttpResponse:
    page = Page.from_query(request.GET)
    wanted: dict[str, Any] = {
        **of,
        "kinds": [Kind.RUN],
        "ownership": parse_choice(request.GET, "ownership", OWNERSHIPS, Ownership.BOTH),
        "statuses": statuses_in(request.GET),
        "since": _moment(request.GET, "startedAfter"),
        "until": _end_of_millisecond(_moment(request.GET, "startedBefore")),
    }
    rows = listed(request.principal, **wanted, offset=page.offset, limit=page.limit, newest_first=page.desc)
    return json_responses.data_response(page.answer(count_listed(request.principal, **wanted), serialize_runs(rows)))


def _end_of_millisecond(moment: datetime | None) -> datetime | None:
    """Return the last moment that the API writes like this one: what it shows to have started then has."""
    return moment and moment.replace(microsecond=moment.microsecond // 1000 * 1000 + 999)


def _moment(query: QueryDict, name: str) -> datetime | None:
    text = query.get(name, "").replace(" ", "+")  # a plus that was not encoded
    if text == "":
        return None
    try:
        moment = datetime.fromisoformat(text) if _MOMENT.match(text) else None
        # What the year 1 was elsewhere may have been before it.
        utc = moment.astimezone(UTC) if moment and moment.tzinfo else moment and moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        utc = None
    if utc is None:
        raise invalid_value(name, "it must be a date and time in ISO 8601, such as 2026-01-31T12:00:00.000Z.")
    return utc
