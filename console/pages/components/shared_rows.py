"""The rows of "Shared with me": who shared each, and how. The number of statements does not grow with the rows."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from accounts.models import Account
from resources.kinds import KINDS, Kind, KindInfo
from resources.models import Resource
from sharing.access import Reason
from sharing.grant_ends import counts
from sharing.lists import Listed
from sharing.models import Grant
from sharing.permissions import NOTHING, Permission
from sharing.visibility.labels import permissions_label


@dataclass(frozen=True, slots=True)
class SharedRow:
    """Something shared with me: what it is, who owns it, what I may do, and how it came to be shared."""

    found: Listed
    info: KindInfo
    may: str
    how: str

    @property
    def path(self) -> str:
        """The path of its page."""
        return f"/{self.info.console_path}/{self.found.id}"


def build_rows(found: Sequence[Listed], account_id: str) -> list[SharedRow]:
    """Return the rows for a page of what is shared with an account."""
    labels = _ShareLabels(found, account_id)
    return [
        SharedRow(each, KINDS[each.kind], permissions_label(labels.permissions(each)), labels.how(each))
        for each in found
    ]


def how_shared(found: Sequence[Listed], account_id: str) -> dict[str, str]:
    """Return how each of these came to be shared with an account, by ID: "shared by ada"."""
    labels = _ShareLabels(found, account_id) if found else None
    return {each.id: labels.how(each) for each in found} if labels else {}


class _ShareLabels:
    """What there is to say of a page of resources, gathered in three statements."""

    def __init__(self, found: Iterable[Listed], account_id: str) -> None:
        self._resources = Resource.objects.select_related("actor", "task", "run").in_bulk([each.id for each in found])
        around = {part for each in self._resources.values() for part in (each.pk, each.actor_id, each.task_id) if part}
        self._grants: dict[str, list[Grant]] = {}
        mine = Grant.objects.filter(counts(), account_id=account_id, resource_id__in=around)
        for grant in mine.select_related("issue"):
            self._grants.setdefault(grant.resource_id, []).append(grant)
        givers = {grant.granted_by for grants in self._grants.values() for grant in grants}
        self._usernames = dict(Account.objects.filter(pk__in=givers).values_list("pk", "username"))

    def permissions(self, row: Listed) -> Permission:
        """Return what the account may do: what it was granted, and READ by whatever else lists the row."""
        held = self._granted(row.id)
        if row.kind is Kind.BUILD and Permission.BUILD in self._granted(self._parent(row, "actor_id")):
            held |= Permission.WRITE
        return held | Permission.READ

    def how(self, row: Listed) -> str:
        match row.reason:
            case Reason.GRANT:
                return f"shared by {self._giver(row) or row.owner_username}"
            case Reason.ISSUE:
                return f"attached to issue '{self._issue_title(row)}'"
            case Reason.ACTOR_GRANT:
                return f"through {self._named(row, 'actor')}"
            case Reason.OWNER_RUNS:
                views = Permission.VIEW_OWNER_RUNS in self._granted(self._parent(row, "actor_id"))
                return f"through {self._named(row, 'actor' if views else 'task')} (view owner runs)"
            case Reason.CREATOR_RUNS:
                return f"through your {self._named(row, 'actor').removeprefix('the ')}, as its creator"
            case Reason.RUN:
                return f"via the shared run {self._parent(row, 'run_id')}"
            case _:
                return "shared"

    def _granted(self, resource_id: str) -> Permission:
        granted = NOTHING
        for grant in self._grants.get(resource_id, []):
            granted |= Permission(grant.permissions) if grant.source == Grant.Source.DIRECT else NOTHING
        return granted

    def _giver(self, row: Listed) -> str:
        direct = (grant for grant in self._grants.get(row.id, []) if grant.source == Grant.Source.DIRECT)
        return next((self._usernames.get(grant.granted_by, "") for grant in direct), "")

    def _issue_title(self, row: Listed) -> str:
        titles = [grant.issue.title for grant in self._grants.get(row.id, []) if grant.issue]
        return titles[0] if titles else ""

    def _parent(self, row: Listed, attribute: str) -> str:
        resource = self._resources.get(row.id)
        return getattr(resource, attribute, None) or ""

    def _named(self, row: Listed, what: str) -> str:
        resource = self._resources.get(row.id)
        parent = getattr(resource, what, None)
        return f"the {'Actor' if what == 'actor' else 'task'} {parent or 'that it belongs to'}"
