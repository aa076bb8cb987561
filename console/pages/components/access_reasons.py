"""Where access comes from, in words: "through the Actor prices-crawler", "via the shared run 7yx7Kq2mWc4bT9aZd"."""

from resources.kinds import KINDS, Kind
from sharing.access import Decision, Facts, Reason
from sharing.grant_ends import counts
from sharing.models import Grant
from sharing.overview import InheritedAccess, Through
from sharing.visibility.names import placeholder_name


def inherited_reason(row: InheritedAccess, known: frozenset[str]) -> str:
    """Say what gives access to a user who has none on the resource itself.

    `known` are the IDs of the Actors and tasks whose names the reader of the sentence may know.
    """
    if row.reason is Reason.RUN and row.run_reason is Reason.GRANT and row.through:
        return f"via the shared run {row.through.name}"
    if row.reason is Reason.RUN:
        return f"through {_named(row.through, known)}, {_of_run(row, known)}"
    return _of_reason(row.reason, row.through, known)


def decision_reason(decision: Decision, facts: Facts, account_id: str | None) -> str:
    """Say why the principal of a decision may read: the end of a sentence that says what they may.

    It asks the database only for the title of the issue that a run is attached to, where that is the reason.
    """
    details, owner = decision.details, facts.owner_username
    if decision.reason is not Reason.RUN or facts.run is None:
        return _of_oneself(decision.reason, details, facts, owner, account_id)
    of_run = _of_oneself(Reason(details["runReason"]), details, facts.run, owner, account_id)
    return f"via the run {facts.run.id}, {of_run}"


def _of_oneself(reason: Reason, details: dict[str, str], facts: Facts, owner: str, account_id: str | None) -> str:
    kind = "Actor" if "actorName" in details else "task"
    name = details.get("actorName") or details.get("taskName")
    return _OF_ONESELF[reason].format(
        through=f"the {kind} {name}" if name else "the Actor",
        actor=(facts.actor.name or facts.actor.id) if facts.actor else "",
        issue=_issue_title(facts.id, account_id) if reason is Reason.ISSUE else "",
        owner=owner,
    )


def _issue_title(run_id: str, account_id: str | None) -> str:
    grants = Grant.objects.filter(counts(), resource_id=run_id, account_id=account_id, source=Grant.Source.ISSUE)
    return grants.values_list("issue__title", flat=True).first() or ""


_OF_ONESELF = {
    Reason.OWNER: "because you own it",
    Reason.GRANT: "because it was shared with you",
    Reason.ACTOR_GRANT: "because {through} was shared with you",
    Reason.PUBLIC_ACTOR: "because {through} is public",
    Reason.ISSUE: "because it is attached to the issue “{issue}” on your Actor {actor}",
    Reason.OWNER_RUNS: "because {owner} shared their runs of {through}",
    Reason.CREATOR_RUNS: "as the creator of {through}, because {owner} shares runs with developers",
    Reason.ANYONE_WITH_ID: "because anyone with its ID can read it",
    Reason.ANYONE_WITH_NAME: "because anyone with its name can read it",
    Reason.NO_ACCESS: "",
}


def _of_reason(reason: Reason, through: Through | None, known: frozenset[str]) -> str:
    match reason:
        case Reason.PUBLIC_ACTOR:
            return f"through {_named(through, known)}, which is public" if through else "because the Actor is public"
        case Reason.OWNER_RUNS:
            return f"through {_named(through, known)} (view owner runs)"
        case Reason.CREATOR_RUNS:
            return f"as the creator of {_named(through, known)}, because the owner shares runs with developers"
        case _:
            return f"through {_named(through, known)}"


def _of_run(row: InheritedAccess, known: frozenset[str]) -> str:
    """Say why the principal may read the run whose default storages they read."""
    match row.run_reason:
        case Reason.OWNER:
            return "which they own"
        case Reason.ISSUE:
            return f"which is attached to issue '{row.issue_title}'"
        case None:
            return "which they can read"
        case reason:
            return _of_reason(reason, row.via, known)


def _named(through: Through | None, known: frozenset[str]) -> str:
    if through is None:
        return "something else"
    if through.kind is not Kind.RUN and through.id not in known:
        return placeholder_name(through.kind)
    return f"the {KINDS[through.kind].short} {through.name}"
