"""Actor issues, and the access that runs attached to one give to the Actor's developer.

A run is attached in a field of its own, or because its owner puts its URL into the description or a comment.

The access is made as a grant with the source ISSUE. It covers that run and its storages and nothing else,
and ends when the run's owner removes it, when the run is taken off the issue, or when the issue is deleted.

Users who can see an Actor see its issues. Their words are their authors'; an Actor's developers close and delete them.
"""

from collections.abc import Sequence

from django.db import transaction
from django.db.models import Count, Q, QuerySet
from django.utils import timezone
from msgspec import UNSET, UnsetType

from accounts import audit
from accounts.principal import Principal
from resources.models import Actor, Run
from sharing.grant_ends import counts
from sharing.issues.run_urls import run_ids_in
from sharing.mail import share_mail
from sharing.models import Grant, Issue, IssueComment, IssueRun
from sharing.owner_only import is_owner
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


def list_issues(actor_id: str) -> QuerySet[Issue]:
    """Return the issues of an Actor, in no order, each with author, run and Actor, and its `comment_count`.

    Comments without text, which only change the state, are not counted.
    """
    found = Issue.objects.filter(actor_id=actor_id).select_related("author", "run", "actor__owner")
    return found.annotate(comment_count=Count("comments", filter=~Q(comments__text="")))


def load_actor(actor_id: str) -> Actor:
    """Return an Actor with its owner, in one query."""
    return Actor.objects.select_related("owner").get(pk=actor_id)


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
        attach_named(issue, attachable(actor, issue.description, by=by), by=by)
        if actor.owner_id != by.account_id:
            what = f'{by.username} opened the issue "{issue.title}" on your Actor {actor}'
            share_mail.email_issue_update(issue, actor.owner, what, issue.description, by=by)
    return issue


def rewrite(
    issue: Issue, *, by: Principal, title: str | UnsetType = UNSET, description: str | UnsetType = UNSET
) -> None:
    """Change what an issue says; UNSET leaves it as it is.

    URLs of runs that the description did not have attach these runs; runs that it attached and names no more are
    taken off.

    Raises:
        InvalidIssue: when the title is empty, or either is too long.
    """
    added: list[Run] = []
    with transaction.atomic():
        kept = Issue.objects.select_for_update().filter(pk=issue.pk).values_list("title", "description").first()
        if kept is None:  # deleted meanwhile: as if this change had come first
            return
        issue.title, issue.description = kept
        if title is not UNSET:
            issue.title = _title(title)
        if description is not UNSET:
            added = newly_attachable(issue, _text("description", description), by=by)
            issue.description = description
        issue.modified_at = timezone.now()
        issue.save(update_fields=("title", "description", "modified_at"))
        attach_named(issue, added, by=by)
        _detach_unnamed(issue, by=by)


def comment(issue: Issue, text: str, *, by: Principal) -> IssueComment:
    """Add a comment with the runs whose URLs are in it, and write to the others who have a part in the issue.

    Raises:
        InvalidIssue: when the comment is empty or too long.
    """
    if not text.strip():
        raise InvalidIssue("text", "it must not be empty.")
    with transaction.atomic():
        said = IssueComment.objects.create(issue=issue, author_id=by.account_id or "", text=_text("text", text))
        attach_named(issue, attachable(issue.actor, text, by=by), by=by, comment=said)
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


def attachable(actor: Actor, text: str, *, by: Principal) -> list[Run]:
    """Return the runs that a new text attaches to an issue on `actor`: those whose URLs are in it.

    They are the author's own runs of that Actor. Any other URL attaches nothing, and nothing tells it from one of a
    run that is not there. It takes one statement, or none where the text has no URL of a run.
    """
    ids = run_ids_in(text)
    if not ids:
        return []
    found = Run.objects.filter(owner_id=by.account_id, actor_id=actor.pk).in_bulk(ids)
    return [found[id_] for id_ in ids if id_ in found and is_owner(by, found[id_])]


def newly_attachable(issue: Issue, description: str, *, by: Principal) -> list[Run]:
    """Return the runs that a changed description attaches: those whose URLs are not in the one of before."""
    before = set(run_ids_in(issue.description))
    return [run for run in attachable(issue.actor, description, by=by) if run.pk not in before]


def attach_run(issue: Issue, run: Run, *, by: Principal) -> None:
    """Attach a run to an issue, in place of the one that was attached like this, and share it with the developer.

    Raises:
        CannotAttach: when the principal does not own the run, or it is not a run of the issue's Actor.
    """
    if not is_owner(by, run):
        raise CannotAttach("Only the owner of a run can attach it to an issue.")
    if run.actor_id != issue.actor_id:
        raise CannotAttach("Only a run of this Actor can be attached to the issue.")
    with transaction.atomic():
        issue.run_id = Issue.objects.select_for_update().values_list("run_id", flat=True).get(pk=issue.pk)
        if issue.run_id and issue.run_id != run.pk:
            detach_run(issue, by=by)
        issue.run = run
        issue.save(update_fields=["run"])
        _share(issue, run, by)


def attach_named(issue: Issue, runs: Sequence[Run], *, by: Principal, comment: IssueComment | None = None) -> None:
    """Attach the runs that a text names, as `attachable` returns them: the description's, or those of a `comment`."""
    with transaction.atomic():
        rows = [IssueRun(issue=issue, run=run, comment=comment) for run in runs]
        IssueRun.objects.bulk_create(rows, ignore_conflicts=True)
        for run in runs:
            _share(issue, run, by)


def _share(issue: Issue, run: Run, by: Principal) -> None:
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
        share_mail.email_access_granted(run, issue.actor.owner, Permission.READ, by=by)
        _record("issue.run_attached", issue, run, by)


def attached(issue: Issue) -> list[Run]:
    """Return all runs that are attached to an issue, oldest first, in one statement."""
    wanted = Q(pk=issue.run_id) | Q(named_in_issues__issue=issue)
    return list(Run.objects.filter(wanted).distinct().order_by("created_at", "pk"))


def shared_runs(issue: Issue) -> set[str]:
    """Return the IDs of the runs that are open to the Actor's developer through an issue.

    A run stays attached when its owner has removed the access in the run's share dialog.
    """
    grants = Grant.objects.filter(counts(), issue=issue, source=Grant.Source.ISSUE, account_id=issue.actor.owner_id)
    return set(grants.values_list("resource_id", flat=True))


def detach_run(issue: Issue, *, by: Principal) -> None:
    """Take off the run that has a field of its own; the developer's access ends, unless a text attaches it too."""
    run = issue.run
    if run is None:
        return
    with transaction.atomic():
        issue.run = None
        issue.save(update_fields=["run"])
        _end_access(issue, run, by)


def take_off(issue: Issue, run: Run, *, by: Principal) -> None:
    """Take a run off an issue, however it was attached; the developer's access by the issue ends."""
    with transaction.atomic():
        IssueRun.objects.filter(issue=issue, run=run).delete()
        if issue.run_id == run.pk:
            issue.run = None
            issue.save(update_fields=["run"])
        _end_access(issue, run, by)


def _end_access(issue: Issue, run: Run, by: Principal) -> None:
    """End the access to a run that nothing attaches any more."""
    if issue.run_id == run.pk or IssueRun.objects.filter(issue=issue, run=run).exists():
        return
    Grant.objects.filter(issue=issue, source=Grant.Source.ISSUE, resource_id=run.pk).delete()
    _record("issue.run_detached", issue, run, by)


def _detach_unnamed(issue: Issue, *, by: Principal) -> None:
    """Take off the runs that the description attached and does not name any more."""
    named = run_ids_in(issue.description)
    gone = IssueRun.objects.filter(issue=issue, comment=None).exclude(run_id__in=named).select_related("run")
    for row in list(gone):
        row.delete()
        _end_access(issue, row.run, by)


def delete(issue: Issue, *, by: Principal) -> None:
    """Delete an issue with all that was said to it, and the access that came with it."""
    with transaction.atomic():
        for run in attached(issue):
            take_off(issue, run, by=by)
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
            share_mail.email_issue_update(issue, account, what, text, by=by)


def _record(action: str, issue: Issue, run: Run, by: Principal) -> None:
    audit.record(
        action,
        by=by,
        account_id=run.owner_id,
        subject_kind=run.kind,
        subject_id=run.pk,
        issue={"id": issue.pk, "title": issue.title},
    )
