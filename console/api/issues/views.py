"""Issues of an Actor: readable with the Actor; signed-in users can open and comment."""

from http import HTTPStatus

import msgspec
from django.conf import settings
from django.db import transaction
from django.http import HttpResponse
from msgspec import UNSET, UnsetType

from accounts.lib.api_errors import ApiError, invalid_value, record_not_found
from accounts.request_types import ApiRequest
from console.api.issues.serializers import (
    serialize_attached_runs,
    serialize_comment,
    serialize_issue,
    serialize_issue_with_comments,
)
from console.http import json_responses, request_body
from console.http.pagination import Page, parse_choice
from resources.kinds import Kind
from resources.models import Actor, Run
from sharing.declare import needs
from sharing.enforcement.request_types import ResourceApiRequest
from sharing.issues import issues
from sharing.issues.run_urls import parse_run_id
from sharing.models import Issue
from sharing.permissions import Permission
from sharing.policies import issue_rules

_writes = needs(Kind.ACTOR, Permission.READ, needs_account=True, account_wide=True, role_lets=issue_rules.TO_WRITE)
_STATES: dict[str, Issue.State | None] = {state.value: state for state in Issue.State}


class NewIssue(msgspec.Struct, rename="camel"):
    """The body of a POST of an issue. `run_url` is the page of a run, its API address, or its ID."""

    title: str
    description: str = ""
    run_url: str | None = None


class IssueChange(msgspec.Struct, rename="camel"):
    """The body of a PUT of an issue; what is not given stays as it is, and a `runUrl` of null takes the run off."""

    title: str | UnsetType = UNSET
    description: str | UnsetType = UNSET
    run_url: str | UnsetType | None = UNSET
    state: Issue.State | UnsetType = UNSET


class NewComment(msgspec.Struct, rename="camel"):
    """The body of a POST of a comment."""

    text: str


@needs(Kind.ACTOR, Permission.READ)
def list_issues(request: ResourceApiRequest[Actor]) -> HttpResponse:
    """Answer with a page of the Actor's issues, those in one `state` only where it is given."""
    page = Page.from_query(request.GET)
    state = parse_choice(request.GET, "state", _STATES, None)
    found = issues.list_issues(request.resource.pk)
    found = found.filter(state=state) if state else found
    order = ("-created_at", "-pk") if page.desc else ("created_at", "pk")
    rows = found.order_by(*order)[page.offset : page.offset + page.limit]
    return json_responses.data_response(
        page.answer(found.count(), [serialize_issue(issue, request.principal) for issue in rows])
    )


@_writes
def open_issue(request: ResourceApiRequest[Actor]) -> HttpResponse:
    """Open an issue; a run that is attached to it is shared with the Actor's developer."""
    wanted = request_body.read_json(request, NewIssue)
    _count_writing(request)
    run = _run(request, wanted.run_url) if wanted.run_url else None
    try:
        issue = issues.report(
            issues.load_actor(request.resource.pk), wanted.title, wanted.description, by=request.principal, run=run
        )
    except (issues.InvalidIssue, issues.CannotAttach) as error:
        raise _invalid(error) from None
    location = f"{settings.PUBLIC_URL}/v2/actors/{issue.actor_id}/issues/{issue.pk}"
    return json_responses.data_response(
        serialize_issue_with_comments(_issue(request, issue.pk), request.principal),
        json_responses.CREATED,
        location=location,
    )


@needs(Kind.ACTOR, Permission.READ)
def show_issue(request: ResourceApiRequest[Actor], issue: str) -> HttpResponse:
    """Answer with an issue and what has been said to it."""
    return json_responses.data_response(serialize_issue_with_comments(_issue(request, issue), request.principal))


@_writes
def change_issue(request: ResourceApiRequest[Actor], issue: str) -> HttpResponse:
    """Change an issue: its author changes text, run and state; users with WRITE on the Actor only the state."""
    change = request_body.read_json(request, IssueChange)
    found = _issue(request, issue)
    only_state = change.title is change.description is change.run_url is UNSET
    _check_may_change(request, found, or_writer=only_state)
    try:
        with transaction.atomic():
            _change(request, found, change)
    except (issues.InvalidIssue, issues.CannotAttach) as error:
        raise _invalid(error) from None
    return json_responses.data_response(serialize_issue_with_comments(_issue(request, issue), request.principal))


@_writes
def delete_issue(request: ResourceApiRequest[Actor], issue: str) -> HttpResponse:
    """Delete an issue, with the access that came with it: its author may, and users who may change the Actor."""
    found = _issue(request, issue)
    _check_may_change(request, found, or_writer=True)
    issues.delete(found, by=request.principal)
    return json_responses.no_content()


@_writes
def add_comment(request: ResourceApiRequest[Actor], issue: str) -> HttpResponse:
    """Say something to an issue."""
    wanted = request_body.read_json(request, NewComment)
    found = _issue(request, issue)
    _count_writing(request)
    try:
        said = issues.comment(found, wanted.text, by=request.principal)
    except issues.InvalidIssue as error:
        raise _invalid(error) from None
    attached = [row.run for row in said.named_runs.select_related("run").order_by("pk")]
    return json_responses.data_response(
        {**serialize_comment(said), "attachedRuns": serialize_attached_runs(found, attached)}, json_responses.CREATED
    )


def _change(request: ResourceApiRequest[Actor], issue: Issue, change: IssueChange) -> None:
    by = request.principal
    if change.title is not UNSET or change.description is not UNSET:
        issues.rewrite(issue, by=by, title=change.title, description=change.description)
    if change.run_url is None:
        issues.detach_run(issue, by=by)
    elif change.run_url is not UNSET:
        issues.attach_run(issue, _run(request, change.run_url), by=by)
    if change.state is not UNSET:
        issues.set_state(issue, change.state, by=by)


def _issue(request: ResourceApiRequest[Actor], issue_id: str) -> Issue:
    found = issues.list_issues(request.resource.pk).filter(pk=issue_id).first() if "\x00" not in issue_id else None
    if found is None:
        raise record_not_found("Issue was not found.")
    return found


def _run(request: ApiRequest, url: str) -> Run:
    """Return the run that is to be attached."""
    run_id = parse_run_id(url)
    if not run_id:
        raise invalid_value("runUrl", "it must be the URL or the ID of a run on this server.")
    return issue_rules.run_to_attach(run_id, request.principal)


def _check_may_change(request: ResourceApiRequest[Actor], issue: Issue, *, or_writer: bool) -> None:
    may_change = (
        issue_rules.may_close(issue, request.access) if or_writer else issue_rules.may_rewrite(issue, request.principal)
    )
    if not may_change:
        raise ApiError(
            HTTPStatus.FORBIDDEN,
            "insufficient-permissions",
            "Only the author of an issue can change what it says and which run is attached to it. Its author and "
            "users who can change the Actor can close, open and delete it.",
        )


def _count_writing(request: ResourceApiRequest[Actor]) -> None:
    if not issue_rules.count_issue_write(request.principal.account_id or ""):
        raise ApiError(
            HTTPStatus.TOO_MANY_REQUESTS, "rate-limit-exceeded", "You have written to many issues. Try again later."
        )


def _invalid(error: Exception) -> ApiError:
    return invalid_value(error.field if isinstance(error, issues.InvalidIssue) else "runUrl", str(error))
