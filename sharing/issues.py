"""Actor issues, and the access that a run attached to one gives to the Actor's developer.

The access is made as a grant with the source ISSUE. It covers that run and its default storages and nothing else,
and ends when the run's owner removes it, when the run is taken off the issue, or when the issue is deleted.

Whoever can see an Actor sees its issues. Their words are their authors'; an Actor's developers close and delete them.
"""

from django.db import transaction
from django.utils import timezone

from accounts import audit
from accounts.principal import Principal
from resources.models import Actor, Run
from sharing import mail
from sharing.models import Grant, Issue, IssueComment
from sharing.narrowing import speaks_for_whole_account
from sharing.permissions import Permission

MAX_TITLE = 200
MAX_TEXT = 20_000


class CannotAttach(Exception):
    """The run cannot be attached to the issue; the message says why."""


class InvalidIssue(ValueError):
    """A title or text that an issue cannot have; `field` names it, the message says why."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


def report(actor: Actor, title: str, description: str = "", *, by: Principal, run: Run | None = None) -> Issue:
    """Open an issue on an Actor, attach a run to it where one is given, and write to the Actor's developer.

    Raises:
        InvalidIssue: when the title is empty, or either is too long.
        CannotAttach: when the run cannot be attached; then no issue is opened.
    """
    with transaction.atomic():
        issue = Issue.objects.create(
            actor=actor,
            author_id=by.account_id or "",
            title=_title(title),
            description=_text("description", description),
        )
        if run is not None:
            attach_run(issue, run, by=by)
        if actor.owner_id != by.account_id:
            what = f'{by.username} opened the issue "{issue.title}" on your Actor {actor}'
            mail.tell_of_issue(issue, actor.owner, what, issue.description)
    return issue


def rewrite(issue: Issue, *, by: Principal, title: str | None = None, description: str | None = None) -> None:
    """Change what an issue says; None leaves it as it is.

    Raises:
        InvalidIssue: when the title is empty, or either is too long.
    """
    if title is not None:
        issue.title = _title(title)
    if description is not None:
        issue.description = _text("description", description)
    issue.modified_at = timezone.now()
    issue.save(update_fields=("title", "description", "modified_at"))


def comment(issue: Issue, text: str, *, by: Principal) -> IssueComment:
    """Add a comment, and write to the others who have a part in the issue.

    Raises:
        InvalidIssue: when the comment is empty or too long.
    """
    if not text.strip():
        raise InvalidIssue("text", "it must not be empty.")
    with transaction.atomic():
        said = IssueComment.objects.create(issue=issue, author_id=by.account_id or "", text=_text("text", text))
        _touch(issue)
        _tell(issue, "wrote to", text, by)
    return said


def set_state(issue: Issue, state: Issue.State, *, by: Principal) -> bool:
    """Close or open an issue, and return whether that changed anything."""
    with transaction.atomic():
        now = timezone.now()
        changed = Issue.objects.filter(pk=issue.pk).exclude(state=state).update(state=state, modified_at=now)
        if changed:
            IssueComment.objects.create(issue=issue, author_id=by.account_id or "", state=state)
            _tell(issue, "closed" if state == Issue.State.CLOSED else "opened", "", by)
    issue.state = state
    return bool(changed)


def attach_run(issue: Issue, run: Run, *, by: Principal) -> None:
    """Attach a run to an issue, in place of another one, and share it with the Actor's developer.

    Raises:
        CannotAttach: when the principal does not own the run, or it is not a run of the issue's Actor.
    """
    if run.owner_id != by.account_id or not speaks_for_whole_account(by):
        raise CannotAttach("Only the owner of a run can attach it to an issue.")
    if run.actor_id != issue.actor_id:
        raise CannotAttach("Only a run of this Actor can be attached to the issue.")
    with transaction.atomic():
        issue.run_id = Issue.objects.select_for_update().values_list("run_id", flat=True).get(pk=issue.pk)
        if issue.run_id and issue.run_id != run.pk:
            detach_run(issue, by=by)
        issue.run = run
        issue.save(update_fields=["run"])
        developer_id = issue.actor.owner_id
        if developer_id == run.owner_id:
            return
        _, is_new = Grant.objects.get_or_create(
            resource_id=run.pk,
            account_id=developer_id,
            source=Grant.Source.ISSUE,
            issue=issue,
            defaults={
                "permissions": Permission.READ.value,
                "granted_by": by.account_id or "",
                "resource_kind": run.kind,
                "resource_created_at": run.created_at,
            },
        )
        if is_new:
            mail.tell_of_access(run, issue.actor.owner, Permission.READ, by=by)
        _record("issue.run_attached", issue, run, by)


def is_shared(issue: Issue) -> bool:
    """Tell whether the run of an issue is open to the Actor's developer through it.

    A run stays attached when its owner has removed the access in the run's share dialog.
    """
    return Grant.objects.filter(issue=issue, source=Grant.Source.ISSUE, resource_id=issue.run_id).exists()


def detach_run(issue: Issue, *, by: Principal) -> None:
    """Take the run off an issue; the developer's access to it ends with that."""
    run = issue.run
    if run is None:
        return
    with transaction.atomic():
        Grant.objects.filter(issue=issue, source=Grant.Source.ISSUE).delete()
        issue.run = None
        issue.save(update_fields=["run"])
        _record("issue.run_detached", issue, run, by)


def delete(issue: Issue, *, by: Principal) -> None:
    """Delete an issue with all that was said to it, and the access that came with it."""
    with transaction.atomic():
        detach_run(issue, by=by)
        audit.record(
            "issue.deleted",
            by=by,
            account_id=issue.author_id,
            subject_kind=issue.actor.kind,
            subject_id=issue.actor_id,
            issue={"id": issue.pk, "title": issue.title},
        )
        issue.delete()


def _title(title: str) -> str:
    title = " ".join(title.split())
    if not 0 < len(title) <= MAX_TITLE or "\x00" in title:
        raise InvalidIssue("title", f"it must have 1 to {MAX_TITLE} characters.")
    return title


def _text(field: str, text: str) -> str:
    if len(text) > MAX_TEXT or "\x00" in text:
        raise InvalidIssue(field, f"it must have at most {MAX_TEXT:,} characters, and no NUL among them.")
    return text


def _touch(issue: Issue) -> None:
    issue.modified_at = timezone.now()
    issue.save(update_fields=("modified_at",))


def _tell(issue: Issue, did: str, text: str, by: Principal) -> None:
    """Write to the Actor's owner, the author and everybody who commented, but not to who has just spoken."""
    concerned = {issue.author_id: issue.author, issue.actor.owner_id: issue.actor.owner}
    for said in IssueComment.objects.filter(issue=issue).select_related("author"):
        concerned[said.author_id] = said.author
    what = f'{by.username} {did} the issue "{issue.title}" on the Actor {issue.actor}'
    for account_id, account in concerned.items():
        if account_id != by.account_id:
            mail.tell_of_issue(issue, account, what, text)


def _record(action: str, issue: Issue, run: Run, by: Principal) -> None:
    audit.record(
        action,
        by=by,
        account_id=run.owner_id,
        subject_kind=run.kind,
        subject_id=run.pk,
        issue={"id": issue.pk, "title": issue.title},
    )
