"""The runs that an issue shares: shown before the form is sent, and on the page of the issue."""

from dataclasses import dataclass

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST

from accounts.models import Account
from resources.kinds import Kind
from resources.models import Actor, Run
from sharing.access import decide
from sharing.declare import needs
from sharing.enforcement.request_types import ResourcePageRequest
from sharing.facts import load_facts
from sharing.issues import issues
from sharing.issues.run_urls import parse_run_id
from sharing.models import Issue
from sharing.permissions import Permission


@dataclass(frozen=True, slots=True)
class Shares:
    """The runs that a form shares with the Actor's developer if it is sent. `named` are those whose URL a text has."""

    runs: list[Run]
    named: list[Run]
    developer: str

    @property
    def seen(self) -> str:
        """What the form holds once it has shown them."""
        return " ".join(sorted(run.pk for run in self.named))


@dataclass(frozen=True, slots=True)
class AttachedRun:
    """A run on the page of an issue, and what that says of it to the run's owner or to the developer.

    `is_open` tells whether the user can open the run, `is_cut` whether it is the user's own and not shared any more.
    """

    run: Run
    is_mine: bool
    is_open: bool
    is_cut: bool
    says: str


@needs(Kind.ACTOR, Permission.READ)
@require_POST
def preview(request: ResourcePageRequest[Actor]) -> HttpResponse:
    """Show which runs the form, as it stands, shares with whom; nothing is saved."""
    actor, text = (
        issues.load_actor(request.resource.pk),
        request.POST.get("text", "") or request.POST.get("description", ""),
    )
    issue = _load_issue(request)
    if len(text) > issues.MAX_TEXT:
        text = ""
    shares = predict_shares(request, actor, text, issue=issue, of_comment="text" in request.POST)
    return render(request, "issues/_shares.html", {"shares": shares, "actor": actor, "issue": issue})


def predict_shares(
    request: ResourcePageRequest[Actor],
    actor: Actor,
    text: str,
    *,
    issue: Issue | None = None,
    of_comment: bool = False,
) -> Shares:
    """Return what a description or comment, with the field for a run, shares by being sent, in three statements."""
    by = request.principal
    if actor.owner_id == by.account_id:
        return Shares([], [], actor.owner.username)
    if issue is not None and not of_comment and issue.author_id == by.account_id:
        named = issues.newly_attachable(issue, text, by=by)
    else:
        named = issues.attachable(actor, text, by=by)
    shared = issues.shared_runs(issue) if issue is not None else set()
    named = [run for run in named if run.pk not in shared]
    in_field = parse_run_id(request.POST.get("run", "")[:500])
    chosen = Run.objects.filter(pk=in_field, owner_id=by.account_id, actor_id=actor.pk) if in_field else ()
    extra = [run for run in chosen if run.pk not in shared and run not in named]
    return Shares([*named, *extra], named, actor.owner.username)


def is_seen(request: ResourcePageRequest[Actor], shares: Shares) -> bool:
    """Tell whether the form has shown the runs that its text shares."""
    return set(request.POST.get("shares", "").split()) >= {run.pk for run in shares.named}


def attached_runs(issue: Issue, user: Account) -> list[AttachedRun]:
    """Return the runs of an issue that a user is told of: those of their own, and to the developer all of them."""
    shared = issues.shared_runs(issue)
    return [
        _attached(run, issue.actor.owner, user, is_shared=run.pk in shared)
        for run in issues.attached(issue)
        if user.pk in (run.owner_id, issue.actor.owner_id)
    ]


def named_run(issue: Issue, run_id: str, owner: Account) -> Run:
    """Return a run of an issue that `owner` may take off it.

    Raises:
        Http404: when it is not attached, or not this user's.
    """
    found = {run.pk: run for run in issues.attached(issue) if run.owner_id == owner.pk}
    if run_id not in found:
        raise Http404
    return found[run_id]


def _attached(run: Run, developer: Account, user: Account, *, is_shared: bool) -> AttachedRun:
    is_mine, is_cut = run.owner_id == user.pk, not is_shared and run.owner_id != developer.pk
    # What is shared by an issue is readable by rule 5. Of the few others the decision is asked one by one.
    reads = not is_cut or decide(developer.principal, load_facts(run, developer.pk), Permission.READ).allowed
    return AttachedRun(
        run,
        is_mine,
        is_open=is_mine or reads,
        is_cut=is_mine and is_cut,
        says=_says(run, developer, is_mine=is_mine, is_shared=is_shared, reads=reads),
    )


def _says(run: Run, developer: Account, *, is_mine: bool, is_shared: bool, reads: bool) -> str:
    if developer.pk == run.owner_id:
        return "is attached."
    if is_shared and is_mine:
        return f"is attached. {developer} can read it, with its storages, through this issue."
    if is_shared:
        return "is attached. It has been shared with you for this issue."
    if is_mine:
        other_way = f" {developer} can still read it in another way." if reads else ""
        return f"is attached, but this issue does not share it with {developer} any more.{other_way}"
    other_way = " You can still read it in another way." if reads else ""
    return f"is attached, but its owner does not share it with you through this issue any more.{other_way}"


def _load_issue(request: ResourcePageRequest[Actor]) -> Issue | None:
    found = Issue.objects.filter(actor_id=request.resource.pk).select_related("actor__owner")
    id_ = request.POST.get("issue", "")
    return found.filter(pk=id_).first() if id_ and "\x00" not in id_ else None
