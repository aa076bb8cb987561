"""Issues of an Actor: readable with the Actor; signed-in users can open and comment."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import msgspec
from django.conf import settings
from django.db import transaction
from django.db.models import Count, Q
from django.http import HttpResponse
from msgspec import UNSET, UnsetType

from accounts.lib.api_errors import ApiError, invalid_value, record_not_found
from accounts.lib.timestamps import iso
from accounts.principal import Principal
from accounts.request_types import ApiRequest
from console.http import json_responses, request_body
from console.http.pagination import Page, parse_choice
from resources.kinds import Kind
from resources.models import Actor, Run
from sharing.declare import needs
from sharing.enforcement.request_types import ResourceApiRequest
from sharing.issues import issues
from sharing.issues.run_urls import parse_run_id
from sharing.models import Issue, IssueComment
from sharing.permissions import Permission
from sharing.policies import issue_rules

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
    found = _issues_of(request).filter(state=state) if state else _issues_of(request)
    order = ("-created_at", "-pk") if page.desc else ("created_at", "pk")
    rows = found.order_by(*order)[page.offset : page.offset + page.limit]
    return json_responses.data_response(
        page.answer(found.count(), [_described(issue, request.principal) for issue in rows])
    )


@needs(Kind.ACTOR, Permission.READ, by_somebody=True, account_wide=True)
def open_issue(request: ResourceApiRequest[Actor]) -> HttpResponse:
    """Open an issue; a run that is attached to it is shared with the Actor's developer."""
    wanted = request_body.read_json(request, NewIssue)
    _count_writing(request)
    run = _run(request, wanted.run_url) if wanted.run_url else None
    try:
        issue = issues.report(_actor(request), wanted.title, wanted.description, by=request.principal, run=run)
    except (issues.InvalidIssue, issues.CannotAttach) as error:
        raise _invalid(error) from None
    location = f"{settings.PUBLIC_URL}/v2/actors/{issue.actor_id}/issues/{issue.pk}"
    return json_responses.data_response(
        _in_full(_issue(request, issue.pk), request.principal), json_responses.CREATED, location=location
    )


@needs(Kind.ACTOR, Permission.READ)
def show_issue(request: ResourceApiRequest[Actor], issue: str) -> HttpResponse:
    """Answer with an issue and what has been said to it."""
    return json_responses.data_response(_in_full(_issue(request, issue), request.principal))


@needs(Kind.ACTOR, Permission.READ, by_somebody=True, account_wide=True)
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
    return json_responses.data_response(_in_full(_issue(request, issue), request.principal))


@needs(Kind.ACTOR, Permission.READ, by_somebody=True, account_wide=True)
def delete_issue(request: ResourceApiRequest[Actor], issue: str) -> HttpResponse:
    """Delete an issue, with the access that came with it: its author may, and users who may change the Actor."""
    found = _issue(request, issue)
    _check_may_change(request, found, or_writer=True)
    issues.delete(found, by=request.principal)
    return json_responses.no_content()


@needs(Kind.ACTOR, Permission.READ, by_somebody=True, account_wide=True)
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
        {**_comment(said), "attachedRuns": _runs(found, attached)}, json_responses.CREATED
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


def _issues_of(request: ResourceApiRequest[Actor]) -> Any:
    found = Issue.objects.filter(actor_id=request.resource.pk).select_related("author", "run", "actor__owner")
    return found.annotate(comment_count=Count("comments", filter=~Q(comments__text="")))


def _issue(request: ResourceApiRequest[Actor], issue_id: str) -> Issue:
    found: Issue | None = _issues_of(request).filter(pk=issue_id).first() if "\x00" not in issue_id else None
    if found is None:
        raise record_not_found("Issue was not found.")
    return found


def _actor(request: ResourceApiRequest[Actor]) -> Actor:
    return Actor.objects.select_related("owner").get(pk=request.resource.pk)


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
            "whoever may change the Actor can close, open and delete it.",
        )


def _count_writing(request: ResourceApiRequest[Actor]) -> None:
    if not issue_rules.count_issue_write(request.principal.account_id or ""):
        raise ApiError(
            HTTPStatus.TOO_MANY_REQUESTS, "rate-limit-exceeded", "You have written to many issues. Try again later."
        )


def _invalid(error: Exception) -> ApiError:
    return invalid_value(error.field if isinstance(error, issues.InvalidIssue) else "runUrl", str(error))


def _in_full(issue: Issue, principal: Principal) -> dict[str, Any]:
    comments = issue.comments.select_related("author").order_by("created_at", "pk")
    # Which runs are attached is known to their owners and the developer.
    seen = [run for run in issues.attached(issue) if principal.account_id in (run.owner_id, issue.actor.owner_id)]
    return {
        **_described(issue, principal),
        "attachedRuns": _runs(issue, seen),
        "comments": [_comment(each) for each in comments],
    }


def _described(issue: Issue, principal: Principal) -> dict[str, Any]:
    """Return an issue as its reader may see it: which run is attached is known to its owner and the developer."""
    shown = issue_rules.run_shown_to(issue, principal)
    return {
        "id": issue.pk,
        "actorId": issue.actor_id,
        "title": issue.title,
        "description": issue.description,
        "state": issue.state,
        "author": {"userId": issue.author_id, "username": issue.author.username},
        "runId": shown.pk if shown else None,
        "runUrl": shown.console_url if shown else None,
        "commentCount": getattr(issue, "comment_count", 0),
        "createdAt": iso(issue.created_at),
        "modifiedAt": iso(issue.modified_at),
        "consoleUrl": issue.console_url,
    }


def _runs(issue: Issue, runs: Sequence[Run]) -> list[dict[str, Any]]:
    """Return attached runs, each with the user whom the issue shares it with, or null."""
    shared = issues.shared_runs(issue) if runs else set()
    developer = {"userId": issue.actor.owner_id, "username": issue.actor.owner.username}
    return [
        {"runId": run.pk, "runUrl": run.console_url, "sharedWith": developer if run.pk in shared else None}
        for run in runs
    ]


def _comment(said: IssueComment) -> dict[str, Any]:
    return {
        "id": str(said.pk),
        "author": {"userId": said.author_id, "username": said.author.username},
        "text": said.text,
        "state": said.state or None,
        "createdAt": iso(said.created_at),
    }
