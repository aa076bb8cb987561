"""What the share dialog shows: the people, where other access comes from, and the general access."""

from dataclasses import dataclass, field
from datetime import datetime

from accounts.models import Account
from console.pages.components import access_reasons
from console.pages.components.access_badges import access_badge
from console.pages.components.visibility_sentences import general_sentence, other_level_sentence
from console.pages.sharing.end_choices import EndOption, end_options
from console.pages.storages.labels import CONTENT
from resources.kinds import Kind
from resources.models import GeneralAccess, Resource
from sharing.access import Access, Facts, effective_general_access
from sharing.decide_many import is_allowed_on_parent
from sharing.general_access import get_levels
from sharing.grant_ends import counts
from sharing.models import Grant, SignedLink
from sharing.overview import Right
from sharing.permissions import Permission, grantable, join_permissions
from sharing.visibility.labels import LABELS, end_label, permission_help, permissions_label
from sharing.visibility.visibility import PublicAccess, StorageLinks, Visibility, who_can_read

MOST_LINKS = 20


@dataclass(frozen=True, slots=True)
class Choice:
    """One permission to tick. `remark` says why one is fixed; one that `reaches_far` is explained at once."""

    name: str
    label: str
    explanation: str
    ticked: bool
    remark: str = ""
    reaches_far: bool = False

    @property
    def is_fixed(self) -> bool:
        """Whether there is nothing to choose."""
        return bool(self.remark)


@dataclass(frozen=True, slots=True)
class Person:
    """A row of "People with access". `key` names the row, and `account_id` and `issue_id` what it stands for.

    `until` is until when, empty without an end. One that `has_ended` can be given again.
    """

    key: str
    account_id: str
    username: str
    may: str
    note: str = ""
    is_me: bool = False
    issue_id: str = ""
    choices: list[Choice] = field(default_factory=list)
    until: str = ""
    ends: list[EndOption] = field(default_factory=list)
    extendable: bool = False
    has_ended: bool = False
    removable: bool = False
    can_give_up: bool = False


@dataclass(frozen=True, slots=True)
class Inherited:
    """A row of the access that comes from elsewhere."""

    username: str
    may: str
    how: str
    is_me: bool = False
    until: str = ""


@dataclass(frozen=True, slots=True)
class LinkRow:
    """A row of an active pre-signed link: what it opens, who made it, and when it ends."""

    opens: str
    maker: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class LinkGroup:
    """The links to one storage: the newest, how many more there are, and a sentence about keys, or an empty one."""

    noun: str
    path: str
    links: list[LinkRow]
    more: int
    keys: str


@dataclass(frozen=True, slots=True)
class LevelOption:
    """A choice of general access."""

    value: str
    label: str
    selected: bool


@dataclass(frozen=True, slots=True)
class GeneralAccessSection:
    """The section "General access": what holds now, in one sentence, and what can be chosen, if anything."""

    label: str
    icon: str
    tone: str
    sentence: str
    levels: list[LevelOption]
    notes: list[str] = field(default_factory=list)

    @property
    def chosen(self) -> str:
        """The level that is chosen, as the select calls it: it may be one that follows another."""
        return next((level.label for level in self.levels if level.selected), self.label)


@dataclass(frozen=True, slots=True)
class Content:
    """All that the dialog shows to one person."""

    manages: bool
    people: list[Person]
    inherited: list[Inherited]
    general: GeneralAccessSection | None
    links: list[LinkGroup]
    ended: list[Person] = field(default_factory=list)


def content_for(access: Access) -> Content:
    """Return what the principal of `access` may see of who has access, in a fixed number of statements."""
    manages = access.allows(Permission.MANAGE_ACCESS_RIGHTS)
    return _for_manager(access) if manages else _for_others(access)


def next_row(people: list[Person], removed_key: str, before: list[Person]) -> str:
    """Return the key of the row that takes the place of a removed one: the next, or else the one before it."""
    keys = [person.key for person in before]
    left = {person.key for person in people}
    at = keys.index(removed_key) if removed_key in keys else 0
    following = [key for key in keys[at + 1 :] if key in left]
    preceding = [key for key in keys[:at] if key in left]
    return following[0] if following else preceding[-1] if preceding else ""


def _for_manager(access: Access) -> Content:
    resource, facts, me = access.resource, access.facts, access.principal.account_id
    seen = who_can_read(resource, facts)
    shown, known = seen.accounts, _known_parents(access)
    names = _givers({right.granted_by for right in shown.items}, me)
    held = access.held
    people = [_owner(facts, me)]
    people += [_person(right, access, names, held) for right in shown.items]
    inherited = [
        Inherited(
            row.username or "Everyone",
            permissions_label(join_permissions(row.permissions)),
            access_reasons.inherited_reason(row, known),
            is_me=row.account_id == me,
            until=end_label(row.expires_at),
        )
        for row in shown.elsewhere
    ]
    return Content(
        True,
        people,
        inherited,
        _general(resource, facts, me, seen),
        [_links(each, me) for each in seen.links],
        [_ended(right, me) for right in shown.ended],
    )


def _ended(right: Right, me: str | None) -> Person:
    return Person(
        key=f"ended-{right.account_id}",
        account_id=right.account_id,
        username=right.username,
        may=permissions_label(join_permissions(right.permissions)),
        until=end_label(right.expires_at),
        note="It has ended.",
        is_me=right.account_id == me,
        has_ended=right.account_id != me,
    )


def _known_parents(access: Access) -> frozenset[str]:
    """Return the IDs of the Actor and task around a resource whose names the principal may know."""
    around = access.facts.run or access.facts
    parents = ((Kind.ACTOR, around.actor), (Kind.TASK, around.task))
    return frozenset(
        parent.id
        for kind, parent in parents
        if parent is not None and is_allowed_on_parent(kind, parent, access.principal, Permission.READ)
    )


def _links(found: StorageLinks, me: str | None) -> LinkGroup:
    noun = found.storage.info.noun
    return LinkGroup(
        noun=noun,
        path=f"{found.storage.console_path}/links",
        links=[_link(link, Kind(found.storage.kind), me) for link in found.links[:MOST_LINKS]],
        more=max(0, len(found.links) - MOST_LINKS),
        keys=_keys(len(found.key_holders)),
    )


def _link(link: SignedLink, kind: Kind, me: str | None) -> LinkRow:
    maker = "you" if link.made_by_id == me else link.made_by.username if link.made_by else "a deleted account"
    opens = f"the record {link.record_key}" if link.record_key else f"the {CONTENT[kind]}"
    return LinkRow(opens, maker, link.expires_at)


def _keys(number: int) -> str:
    if not number:
        return ""
    who = "1 user or token holds a key" if number == 1 else f"{number:,} users or tokens hold keys"
    return f"{who} that can sign links."


def _for_others(access: Access) -> Content:
    """Show the owner, and one's own access and how one has it: seeing more needs MANAGE_ACCESS_RIGHTS."""
    facts, me = access.facts, access.principal.account_id
    mine = Grant.objects.filter(counts(), resource_id=facts.id, account_id=me).select_related("issue").order_by("id")
    names = _givers({grant.granted_by for grant in mine}, me)
    how = access_reasons.decision_reason(access.decide(Permission.READ), facts, access.principal.account_id)
    notes = [_note(each.source, each.issue.title if each.issue else None, names.get(each.granted_by)) for each in mine]
    myself = Person(
        f"person-{me}",
        me or "",
        access.principal.username,
        permissions_label(access.held),
        ", ".join(filter(None, notes)) or how,
        is_me=True,
        until=next((end_label(each.expires_at) for each in mine if each.expires_at), ""),
        can_give_up=bool(mine),
    )
    return Content(False, [_owner(facts, me), myself], [], None, [])


def _owner(facts: Facts, me: str | None) -> Person:
    return Person(f"person-{facts.owner_id}", facts.owner_id, facts.owner_username, "owner", is_me=facts.owner_id == me)


def _person(right: Right, access: Access, names: dict[str, str], held: Permission) -> Person:
    facts, me = access.facts, access.principal.account_id
    is_me = right.account_id == me
    from_issue = right.source == Grant.Source.ISSUE
    owns = facts.owner_id == me
    permissions = join_permissions(right.permissions)
    reach = grantable(facts.kind) if owns else held
    return Person(
        key=f"issue-{right.issue_id}-{right.account_id}" if from_issue else f"person-{right.account_id}",
        account_id=right.account_id,
        username=right.username,
        may=permissions_label(permissions),
        note=_note(right.source, right.issue_title, names.get(right.granted_by)),
        is_me=is_me,
        issue_id=right.issue_id or "",
        choices=[] if from_issue or is_me else choices(facts.kind, permissions, reach),
        until=end_label(right.expires_at),
        ends=end_options(right.expires_at),
        extendable=right.expires_at is not None and not is_me,
        removable=not is_me and (owns or not from_issue),
        can_give_up=is_me,
    )


def choices(kind: Kind, ticked: Permission, reach: Permission) -> list[Choice]:
    """Return the permissions of a kind to tick; those beyond `reach` can be taken away and not given."""
    return [
        Choice(
            permission.name or "",
            LABELS[permission],
            permission_help(permission, kind),
            ticked=permission in ticked or permission is Permission.READ,
            remark=_remark(permission, ticked, reach),
            reaches_far=permission is Permission.VIEW_OWNER_RUNS,
        )
        for permission in Permission
        if permission in grantable(kind)
    ]


def _remark(permission: Permission, ticked: Permission, reach: Permission) -> str:
    """Say why a permission can be neither ticked nor unticked, if that is so."""
    if permission is Permission.READ:
        return "Everybody who is added can do this."
    if permission not in reach and permission not in ticked:
        return "You cannot give it, because you do not have it."
    return ""


def _note(source: str, issue_title: str | None, granted_by: str | None) -> str:
    if source == Grant.Source.ISSUE:
        return f"attached to issue '{issue_title}'"
    return f"shared by {granted_by}" if granted_by else ""


def _general(resource: Resource, facts: Facts, me: str | None, seen: Visibility) -> GeneralAccessSection:
    account = "your account setting" if facts.owner_id == me else f"{facts.owner_username}'s account setting"
    sentence = general_sentence(resource, facts, seen, account)
    if not resource.info.general_access:
        if seen.everyone is PublicAccess.PUBLIC:
            return GeneralAccessSection("Public", "globe-alt", "open", sentence, [])
        return GeneralAccessSection("Explicit access only", "lock-closed", "restricted", sentence, [])
    badge = access_badge(facts)
    return GeneralAccessSection(
        label=badge.label if seen.everyone is PublicAccess.PUBLIC else str(GeneralAccess(badge.level).label),
        icon=badge.icon,
        tone=badge.tone,
        sentence=sentence,
        levels=[_level(each, facts, account) for each in get_levels(resource)],
        notes=[other_level_sentence(each) for each in seen.other_levels],
    )


def _level(level: GeneralAccess, facts: Facts, account: str) -> LevelOption:
    label = str(level.label)
    if level is GeneralAccess.FOLLOW_USER_SETTING:
        followed = facts.owner_general_access if facts.run is None else effective_general_access(facts.run)
        what = account if facts.run is None else "the run"
        label = f"Follow {what} (now: {GeneralAccess(followed).label})"
    return LevelOption(level.value, label, selected=facts.general_access == level)


def _givers(ids: set[str], me: str | None) -> dict[str, str]:
    """Return what to call those who granted something, by account ID."""
    others = ids - {"", me}
    names = dict(Account.objects.filter(pk__in=others).values_list("pk", "username")) if others else {}
    return {**names, me or "": "you"} if me in ids else names
