"""Issues as the API writes them: one in full with its comments, and many in a list."""

from collections.abc import Sequence
from typing import Any

from accounts.lib.timestamps import iso
from accounts.principal import Principal
from resources.models import Run
from sharing.issues import issues
from sharing.models import Issue, IssueComment
from sharing.policies import issue_rules


def serialize_issue_with_comments(issue: Issue, principal: Principal) -> dict[str, Any]:
    """Return an issue with its comments, and the runs that `principal` may know are attached."""
    comments = issue.comments.select_related("author").order_by("created_at", "pk")
    # Which runs are attached is known to their owners and the developer.
    seen = [run for run in issues.attached(issue) if principal.account_id in (run.owner_id, issue.actor.owner_id)]
    return {
        **serialize_issue(issue, principal),
        "attachedRuns": serialize_attached_runs(issue, seen),
        "comments": [serialize_comment(each) for each in comments],
    }


def serialize_issue(issue: Issue, principal: Principal) -> dict[str, Any]:
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


def serialize_attached_runs(issue: Issue, runs: Sequence[Run]) -> list[dict[str, Any]]:
    """Return attached runs, each with the user whom the issue shares it with, or null."""
    shared = issues.shared_runs(issue) if runs else set()
    developer = {"userId": issue.actor.owner_id, "username": issue.actor.owner.username}
    return [
        {"runId": run.pk, "runUrl": run.console_url, "sharedWith": developer if run.pk in shared else None}
        for run in runs
    ]


def serialize_comment(said: IssueComment) -> dict[str, Any]:
    """Return a comment without the runs that it attaches."""
    return {
        "id": str(said.pk),
        "author": {"userId": said.author_id, "username": said.author.username},
        "text": said.text,
        "state": said.state or None,
        "createdAt": iso(said.created_at),
    }
