"""The token of a run: it speaks for the run's owner, stays the same while the run goes on, and ends with the run.

The SDKs call storages that have aliases by the token, so a run that is begun anew must have the one that it had. One
that has ended, was turned into another Actor's, or whose token was ended, gets another one by a higher counter.
"""

from collections.abc import Sequence
from typing import Any

from django.db import transaction

from accounts import tokens
from accounts.models import ApiToken
from accounts.principal import Principal, RunIdentity, Scope, Starter
from resources import permission_levels
from resources.jobs.status import FINISHED
from resources.models import Resource, Run


class RunOver(LookupError):
    """The run has ended, or was deleted, so that its token no longer speaks for its owner."""


def make_run_token(run: Run) -> str:
    """Return the text of a run's token: the one that it has, or else a new one.

    Raises:
        RunOver: when the run has ended or is gone.
    """
    with transaction.atomic():
        locked = Run.objects.select_for_update(of=("self",)).filter(pk=run.pk).exclude(status__in=FINISHED).first()
        if locked is None:
            raise RunOver(run.pk)
        identity, scope, counter = build_identity(locked), locked.token_scope, locked.token_counter or 0
        text = tokens.renew_for_run(locked.token_id, identity, scope, counter)
        if text is None:
            if locked.token_id:
                tokens.end_for_run(locked.token_id)
                counter += 1
            token, text = tokens.create_for_run(locked.owner_id, identity, scope, counter)
            Run.objects.filter(pk=run.pk).update(token_id=token.pk, token_counter=counter)
            run.token_id, run.token_counter = token.pk, counter
    return text


def end_derived_from(secrets: Sequence[str]) -> int:
    """End the tokens of runs that were derived from these secrets of the server; return how many there were.

    A run that is at work goes on, and its next request with its token is refused. Begun anew, it has another one.
    """
    of_runs = ApiToken.objects.exclude(run_id="")
    digests = dict(of_runs.values_list("pk", "digest"))
    runs = Run.objects.filter(pk__in=of_runs.values("run_id")).values_list("token_id", "pk", "token_counter")
    derived = [
        token_id
        for token_id, run_id, counter in runs
        if token_id in digests and tokens.is_derived(run_id, counter or 0, bytes(digests[token_id]), secrets)
    ]
    for token_id in derived:
        tokens.end_for_run(token_id)
    return len(derived)


def build_identity(run: Run) -> RunIdentity:
    """Return how a run presents itself from now on, by the Actor that it is now."""
    actor = Resource.objects.filter(pk=run.current_actor_id).first()
    return RunIdentity(
        run.pk,
        actor is None or actor.owner_id != run.owner_id,
        run.started_by_token or "",
        actor_id=run.current_actor_id,
        actor_owner_id=actor.owner_id if actor else "",
        actor_token_id=(actor.created_by_token or "") if actor else "",
        is_limited=run.permission_level == permission_levels.LIMITED,
        input_names={id_: frozenset(names) for id_, names in (run.input_names or {}).items()},
        starters=tuple(Starter(token_id, person_id) for token_id, person_id in run.starters or ()),
    )


def limit(run: Run) -> None:
    """Give a run limited permissions that has full ones and goes on; its token feels it at its next request.

    Call it in a transaction that has locked the run.
    """
    run.permission_level = permission_levels.LIMITED
    Run.objects.filter(pk=run.pk).update(permission_level=run.permission_level)
    if run.token_id:
        tokens.change_run(run.token_id, build_identity(run))


def is_of_other_account(run: Run) -> bool:
    """Tell whether the code that a run executes now belongs to another account than the run.

    An Actor that has been deleted counts as another account's: its owner is not known any more.
    """
    owner_id = Resource.objects.filter(pk=run.current_actor_id).values_list("owner_id", flat=True).first()
    return owner_id != run.owner_id


def starting_token(run: Run, by: Principal) -> str | None:
    """Return the token that counts as having started a run, once `by` has resurrected or metamorphed it.

    For the run's own account that is the token it acts with, None for a session. Another account changes nothing: its
    tokens do not speak for the run's owner.
    """
    return by.starting_token_id or None if by.account_id == run.owner_id else run.started_by_token


def starters_with(run: Run, by: Principal) -> list[list[str]] | None:
    """Return whose narrowings a run has once `by` has resurrected or metamorphed it: those of before, and its own.

    Another account adds none: what narrows it is not about what the run's owner may do.
    """
    before = [list(each) for each in run.starters or ()]
    if by.account_id != run.owner_id:
        return before or None
    return before + [list(each) for each in by.starters if list(each) not in before] or None


def scope_within(scope: list[dict[str, Any]] | None, by: Principal, owner_id: str) -> list[dict[str, Any]] | None:
    """Return what a run of `owner_id` may do at most, once `by` has had a say in it; None: everything.

    It is what is kept of scopes that cannot be looked up when they are used: another account's, and those of a schedule
    and of runs from before starters were kept. A principal gets no further by the run than on its own.
    """
    for each in by.scopes:
        if each.token_id and by.account_id == owner_id:
            continue
        scope = each.to_json() if scope is None else Scope.from_json(scope).narrowed_to(each).to_json()
    return scope
