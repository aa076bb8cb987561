"""The run that a token belongs to: what it lets pass.

The code of an Actor of another account was not written by the owner of the run, so that it shares nothing. An Actor
with limited permissions reaches what belongs to its run, what it has made, and what the input names.
"""

from collections.abc import Callable
from typing import NamedTuple

from accounts.principal import RunIdentity, holds
from resources.kinds import KINDS, Kind
from sharing.narrowings.subject import Subject
from sharing.permissions import Permission

_READ_WRITE = Permission.READ | Permission.WRITE
_READ_RUN = Permission.READ | Permission.RUN


def lets(run: RunIdentity, account_id: str, permission: Permission, subject: Subject) -> bool:
    """Tell whether a run of the account `account_id` lets one permission on a resource pass."""
    if run.is_limited:
        return any(row.lets(run, account_id, permission, subject) for row in LIMITED_ROWS)
    return not run.is_of_other_account or permission is not Permission.MANAGE_ACCESS_RIGHTS


def lets_all(run: RunIdentity, permission: Permission) -> bool:
    """Tell whether a run lets one permission pass on every resource of a kind."""
    return not (run.is_limited or (run.is_of_other_account and permission is Permission.MANAGE_ACCESS_RIGHTS))


def lets_create(run: RunIdentity, kind: Kind) -> bool:
    """Tell whether a run may create a resource of a kind.

    An Actor or a schedule goes on in the owner's name after the run has ended.
    """
    if run.is_limited:
        return KINDS[kind].storage
    return not run.is_of_other_account or kind not in (Kind.ACTOR, Kind.SCHEDULE)


def belongs_to_run(run: RunIdentity, permission: Permission, subject: Subject) -> bool:
    """Tell whether a permission is READ or WRITE, on the run itself or on a default storage of it."""
    return permission in _READ_WRITE and run.id in (subject.id, subject.run.id if subject.run else "")


def _is_its_own(run: RunIdentity, account_id: str, permission: Permission, subject: Subject) -> bool:
    return belongs_to_run(run, permission, subject)


def _is_made_by_its_actor(run: RunIdentity, account_id: str, permission: Permission, subject: Subject) -> bool:
    made = bool(subject.created_by_actor) and subject.created_by_actor == run.actor_id
    return made and subject.owner_id == account_id and permission in _READ_WRITE


def _is_named_by_its_input(run: RunIdentity, account_id: str, permission: Permission, subject: Subject) -> bool:
    return holds(run.input_names.get(subject.id, frozenset()), permission.name or "")


def _is_of_a_run_it_started(run: RunIdentity, account_id: str, permission: Permission, subject: Subject) -> bool:
    if subject.kind is Kind.RUN:
        return subject.started_by_run == run.id and permission in _READ_WRITE
    return subject.run is not None and subject.run.started_by_run == run.id and permission is Permission.READ


def _is_its_actor(run: RunIdentity, account_id: str, permission: Permission, subject: Subject) -> bool:
    return subject.id == run.actor_id and permission is Permission.READ


def _is_limited_actor(run: RunIdentity, account_id: str, permission: Permission, subject: Subject) -> bool:
    if subject.kind is not Kind.ACTOR or not subject.is_limited:
        return False
    return (subject.is_public or subject.owner_id == run.actor_owner_id) and permission in _READ_RUN


class LimitedRow(NamedTuple):
    """What a run with limited permissions reaches: the rule, and the words and the sentence that say it on pages."""

    lets: Callable[[RunIdentity, str, Permission, Subject], bool]
    reaches: str
    sentence: str


# The table of what a run with limited permissions may do; the rows add up.
LIMITED_ROWS = (
    LimitedRow(_is_its_own, "its own storages", "It can read and write its own run and storages."),
    LimitedRow(
        _is_made_by_its_actor,
        "storages that its Actor has created in the same account",
        "It can read and write storages that its Actor has created in your account.",
    ),
    LimitedRow(
        _is_named_by_its_input, "storages that its input names", "It can use the storages that you name in its input."
    ),
    LimitedRow(
        _is_of_a_run_it_started,
        "runs that it starts",
        "It can read, change and abort runs that it starts, and read their storages.",
    ),
    LimitedRow(_is_its_actor, "its own Actor", "It can read its own Actor."),
    LimitedRow(
        _is_limited_actor,
        "Actors with limited permissions that are public or have its own Actor's owner",
        "It can read and start Actors with limited permissions that are public or have its own Actor's owner.",
    ),
)
