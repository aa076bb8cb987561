"""Starting Actors and tasks: at once, or until the run has finished and its output can be answered with.

Starting an Actor takes RUN on it, and the run belongs to the account that starts it. Running a task takes READ on the
task, for its starter can read its input in the run, and RUN on its Actor.
"""

from collections.abc import Callable
from http import HTTPStatus
from typing import Final, TypeVar

from allauth.account.adapter import get_adapter
from django.conf import settings
from django.http import HttpResponse, HttpResponseBase

from accounts.lib.api_errors import ApiError, record_not_found
from console.api.datasets.items import items_response
from console.api.runs import wait_for_finish
from console.api.runs.parsers import (
    parse_input,
    parse_input_over_task,
    parse_options,
    parse_origin,
    parse_webhooks,
    to_api_error,
)
from console.api.runs.serializers import serialize_run
from console.http import json_responses
from console.http.endpoint import method_not_allowed
from console.http.items_query import parse_items_query
from console.http.record_response import record_response as answer_with_record
from resources.jobs.status import JobStatus
from resources.kinds import Kind
from resources.models import Actor, Dataset, KeyValueStore, Run, Task
from resources.records.reading import find
from resources.runs.cannot_run import CannotRun
from resources.runs.input_names import CallerInput
from resources.runs.inputs import InvalidInput
from resources.runs.options import InvalidOption
from resources.webhooks.editing import InvalidWebhook
from sharing import run_starts
from sharing.declare import needs
from sharing.enforcement.refusals import forbidden_error
from sharing.enforcement.request_types import ResourceApiRequest
from sharing.enforcement.require import access_to, get_or_refuse
from sharing.permissions import Permission

MAX_SYNC_SECONDS: Final = 300.0
OUTPUT_KEY: Final = "OUTPUT"

ResourceT = TypeVar("ResourceT", Actor, Task)
Start = Callable[[ResourceApiRequest[ResourceT]], Run]
Output = Callable[[ResourceApiRequest, Run], HttpResponseBase]


@needs(Kind.ACTOR, Permission.RUN)
def start_actor(request: ResourceApiRequest[Actor]) -> HttpResponseBase:
    """Start an Actor, with the body as its input, and answer with the run."""
    actor_id = request.resource.pk
    return _answer_with_run(request, _run_of_actor, lambda run: f"actors/{actor_id}/runs/{run.pk}")


@needs(Kind.TASK, Permission.READ, needs_account=True)
def start_task(request: ResourceApiRequest[Task]) -> HttpResponseBase:
    """Start a task, with the body's fields over its own, and answer with the run."""
    return _answer_with_run(request, _run_of_task, lambda run: f"actor-runs/{run.pk}")


@needs(Kind.ACTOR, Permission.RUN)
def run_actor(request: ResourceApiRequest[Actor]) -> HttpResponseBase:
    """Start an Actor, wait until it has finished, and answer with its output record."""
    return _run_to_the_end(request, _run_of_actor, _record)


@needs(Kind.TASK, Permission.READ, needs_account=True)
def run_task(request: ResourceApiRequest[Task]) -> HttpResponseBase:
    """Start a task, wait until it has finished, and answer with its output record."""
    return _run_to_the_end(request, _run_of_task, _record)


@needs(Kind.ACTOR, Permission.RUN)
def run_actor_for_items(request: ResourceApiRequest[Actor]) -> HttpResponseBase:
    """Start an Actor, wait until it has finished, and answer with the items of its dataset."""
    parse_items_query(request.GET.dict())  # what is wrong there had better be said before
    return _run_to_the_end(request, _run_of_actor, _items)


@needs(Kind.TASK, Permission.READ, needs_account=True)
def run_task_for_items(request: ResourceApiRequest[Task]) -> HttpResponseBase:
    """Start a task, wait until it has finished, and answer with the items of its dataset."""
    parse_items_query(request.GET.dict())
    return _run_to_the_end(request, _run_of_task, _items)


def _answer_with_run(
    request: ResourceApiRequest[ResourceT], start: Start[ResourceT], path: Callable[[Run], str]
) -> HttpResponseBase:
    seconds = wait_for_finish.seconds_to_wait(request.GET)
    run = start(request)

    def answer(has_finished: bool) -> HttpResponse:
        access = access_to(request.principal, run)
        return json_responses.data_response(
            serialize_run(run, access), json_responses.CREATED, location=f"{settings.PUBLIC_URL}/v2/{path(run)}"
        )

    return wait_for_finish.when_finished(request, run, seconds, answer)


def _run_to_the_end(
    request: ResourceApiRequest[ResourceT], start: Start[ResourceT], output: Output
) -> HttpResponseBase:
    """Start a run and answer with its output.

    Raises:
        ApiError: 408 when it takes longer than MAX_SYNC_SECONDS, 400 when it does not succeed, 429 when too many wait.
    """
    if request.method == "HEAD":
        raise method_not_allowed(("GET", "POST"))  # a HEAD or OPTIONS starts nothing
    slot = wait_for_finish.enter(request)
    try:
        run = start(request)
    except BaseException:
        slot.leave()
        raise
    begun_at = wait_for_finish.clock()

    def answer(has_finished: bool) -> HttpResponseBase:
        if not has_finished:  # a server that stops does not wait as long as it might
            seconds = wait_for_finish.clock() - begun_at
            message = f"The run (ID: {run.pk}) has not finished within {seconds:.0f} seconds. It goes on."
            raise ApiError(HTTPStatus.REQUEST_TIMEOUT, "run-timeout-exceeded", message)
        return _answer_with_output(request, run, output)

    return wait_for_finish.answer_later(request, run, MAX_SYNC_SECONDS, slot, answer)


def _answer_with_output(request: ResourceApiRequest, run: Run, output: Output) -> HttpResponseBase:
    if run.status != JobStatus.SUCCEEDED:
        message = f"The run (ID: {run.pk}) did not succeed. Its status is {run.status}."
        raise ApiError(HTTPStatus.BAD_REQUEST, "run-failed", message)
    response = output(request, run)
    if response.status_code == HTTPStatus.OK:
        response.status_code = HTTPStatus.CREATED
    return response


def _record(request: ResourceApiRequest, run: Run) -> HttpResponseBase:
    """Answer with a record of the run's store, or with nothing where the run has not made it."""
    key = request.GET.get("outputRecordKey") or OUTPUT_KEY
    store = KeyValueStore.objects.filter(run_id=run.pk, alias=None).select_related("owner").first()
    if store is not None:
        _check_may_read(request, store)
    record = find(store.pk, key) if store is not None else None
    answer = answer_with_record(request, record, as_attachment=False) if record else None
    return answer or HttpResponse(status=HTTPStatus.CREATED, content_type="application/json; charset=utf-8")


def _items(request: ResourceApiRequest, run: Run) -> HttpResponseBase:
    dataset = Dataset.objects.filter(run_id=run.pk, alias=None).first()
    if dataset is None:
        raise record_not_found("Dataset was not found.")
    _check_may_read(request, dataset)
    return items_response(request, dataset, dataset.pk)


def _check_may_read(request: ResourceApiRequest, storage: Dataset | KeyValueStore) -> None:
    """Check that the output may be read by who started the run: the scope of a token may name RUN alone.

    Raises:
        ApiError: 403 where not.
    """
    access = access_to(request.principal, storage)
    if not access.allows(Permission.READ):
        raise forbidden_error(access, Permission.READ)


def _run_of_actor(request: ResourceApiRequest[Actor]) -> Run:
    body, content_type = parse_input(request)
    return _start(request, request.resource, None, body, content_type)


def _run_of_task(request: ResourceApiRequest[Task]) -> Run:
    task = request.resource
    actor = get_or_refuse(request.principal, Kind.ACTOR, task.actor_id or "", Permission.RUN)
    body, content_type, given = parse_input_over_task(request, task)
    said = run_starts.said_over_task(task, given, by=request.principal)
    return _start(request, actor, task, body, content_type, said)


def _start(
    request: ResourceApiRequest,
    actor: Actor,
    task: Task | None,
    body: bytes | None,
    content_type: str,
    said: CallerInput | None = None,
) -> Run:
    options = parse_options(request.GET)
    try:
        return run_starts.start(
            actor,
            by=request.principal,
            input=body,
            content_type=content_type,
            options=options,
            task=task,
            said=said,
            origin=parse_origin(request),
            webhooks=parse_webhooks(request.GET),
            client_ip=get_adapter().get_client_ip(request),
            user_agent=request.META.get("HTTP_USER_AGENT", ""),
        )
    except (InvalidOption, InvalidInput, InvalidWebhook, CannotRun) as error:
        raise to_api_error(error) from None
