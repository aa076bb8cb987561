"""Runs attached to Actor issues, and the access that this gives to the Actor's developer.

The access is made as a grant with the source ISSUE. It covers that run and its default storages and nothing else,
and ends when the run's owner removes it, when the run is taken off the issue, or when the issue is deleted.
"""

from django.db import transaction

from accounts import audit
from accounts.principal import Principal
from resources.models import Run
from sharing import mail
from sharing.models import Grant, Issue
from sharing.permissions import Permission


class CannotAttach(Exception):
    """The run cannot be attached to the issue; the message says why."""


def attach_run(issue: Issue, run: Run, *, by: Principal) -> None:
    """Attach a run to an issue, in place of another one, and share it with the Actor's developer.

    Raises:
        CannotAttach: when the principal does not own the run, or it is not a run of the issue's Actor.
    """
    if run.owner_id != by.account_id:
        raise CannotAttach("Only the owner of a run can attach it to an issue.")
    if run.actor_id != issue.actor_id:
        raise CannotAttach("Only a run of this Actor can be attached to the issue.")
    with transaction.atomic():
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
    """Delete an issue, and the access that came with it."""
    with transaction.atomic():
        detach_run(issue, by=by)
        issue.delete()


def _record(action: str, issue: Issue, run: Run, by: Principal) -> None:
    audit.record(
        action,
        by=by,
        account_id=run.owner_id,
        subject_kind=run.kind,
        subject_id=run.pk,
        issue={"id": issue.pk, "title": issue.title},
    )
