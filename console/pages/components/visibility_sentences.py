"""Who can read something, in sentences. Each is worded from what sharing/visibility/visibility.py found."""

from collections.abc import Iterable, Sequence

from accounts.models import Account, AccountGeneralAccess
from resources.kinds import KINDS, Kind
from resources.models import Resource
from sharing.access import Facts, Reason, general_access_source
from sharing.overview import InheritedAccess
from sharing.visibility.predictions import developer_access, links_open
from sharing.visibility.visibility import (
    AccountVisibility,
    OtherLevel,
    PublicAccess,
    StorageLinks,
    Visibility,
    everyone,
)

_MOST_NAMES = 5


def actor_sentence(facts: Facts) -> str:
    """Say who can see an Actor, on a page that does not list them."""
    if everyone(facts) is PublicAccess.PUBLIC:
        return "Everyone can see this Actor and its source, and everyone with an account can run it."
    return "Only its owner and the users with whom it is shared can see this Actor. The link alone gives no access."


def general_sentence(resource: Resource, facts: Facts, seen: Visibility, account: str) -> str:
    """Say who can read a resource; `account` names the setting of the owner's account."""
    noun, because = resource.info.noun, _because(facts, account)
    match seen.everyone:
        case PublicAccess.PUBLIC if facts.kind is Kind.ACTOR:
            return "Everyone can see this Actor, and everyone with an account can run it."
        case PublicAccess.PUBLIC:
            return f"Everyone can read this {noun}, because its Actor is public."
        case PublicAccess.NO if not resource.info.general_access:
            return "Only these people can open it. The link alone gives no access."
        case PublicAccess.NO:
            return f"Only these people can read this {noun}{because}. {_without_account(resource, seen)}"
        case PublicAccess.BY_NAME_OR_ID:
            by = f"its ID, its link or the name {facts.owner_username}~{facts.name}"
            return f"Anyone who has {by} can read this {noun}{because}."
        case _:
            return f"Anyone who has its ID or its link can read this {noun}{because}."


def other_level_sentence(other: OtherLevel) -> str:
    """Say that a storage of a run has another level than the run."""
    noun, alias = KINDS[Kind(other.storage.kind)].noun, other.storage.alias
    called = f"default {noun}" if alias is None else f"{noun} {alias}"
    if other.everyone is PublicAccess.NO:
        return f"Its {called} is Restricted by its own setting."
    return f"Anyone who has the ID of its {called} can read that, by its own setting."


def new_run_sentences(seen: Visibility) -> list[str]:
    """Say to the user who starts a run who can read it."""
    others = seen.accounts.elsewhere
    sentences = []
    if seen.everyone is PublicAccess.NO:
        only = "Only you" if not others else "Only you and the users named here"
        sentences.append(f"{only} can read it, unless you share it. Its ID or link alone gives no access.")
    else:
        sentences.append("Anyone who has its ID or its link can read it, because it follows your account setting.")
    developers = _names(row for row in others if row.reason is Reason.CREATOR_RUNS)
    viewers = _names(row for row in others if row.reason is Reason.OWNER_RUNS)
    if developers:
        sentences.append(f"{developers} can read it, because you share run data with developers.")
    if viewers:
        sentences.append(f"{viewers} can read it, because you let them view your runs.")
    return sentences


def level_sentences(level: str, account: Account, found: AccountVisibility) -> list[str]:
    """Say who can read what follows the account, if its level is `level`, and what goes by something else."""
    if level == AccountGeneralAccess.ANYONE_WITH_ID_CAN_READ:
        said = ["Anyone who has the ID or the link can read it, without signing in."]
        if found.restricted_by_own_level:
            said.append(
                f"{_have(found.restricted_by_own_level)} a level of {_its(found.restricted_by_own_level)} own "
                "that is Restricted."
            )
        return said
    said = ["Its ID or link alone gives no access. You can read it, and users who were given access in any way."]
    if found.open_by_own_level:
        number = found.open_by_own_level
        said.append(f"{_have(number)} a level of {_its(number)} own that stays open to anyone who has the ID.")
    if found.public_builds:
        said.append(f"Everyone can read {count(found.public_builds, 'build')} of public Actors.")
    if developer_access(account, shares=account.share_runs_with_actor_creators).run:
        said.append("Developers of public Actors can read your runs of these, because you share run data with them.")
    if found.runs_with_developers:
        said.append(
            f"{count(found.runs_with_developers, 'run')} {_is(found.runs_with_developers)} shared with the "
            "developer of the Actor, by an issue or by you."
        )
    if links_open(account):
        said.append("Active pre-signed links open the content of storages to anyone who has them.")
    return said


def run_sharing_sentences(shares: bool, account: Account, found: AccountVisibility) -> list[str]:
    """Say what developers can read of an account's runs, if it shares run data with them or not."""
    said = []
    reads = developer_access(account, shares=shares).run
    if reads:
        said.append("Developers of public Actors can read all your runs of their Actors, past and future ones.")
    number = found.runs_with_developers
    if number and not reads:
        said.append(
            f"The developer of the Actor can still read {count(number, 'run')} of yours, by an issue or by a share."
        )
    if not reads and account.general_access == AccountGeneralAccess.ANYONE_WITH_ID_CAN_READ:
        said.append("Runs that follow your account setting are open to anyone who has their ID, developers too.")
    elif not reads and found.open_by_own_level:
        said.append("Runs with an open level of their own are open to anyone who has their ID, developers too.")
    return said or ["Developers can read none of your runs of their Actors."]


def rename_warning(facts: Facts) -> str:
    """Say what a new name, or none, does to what everyone reads by the name; empty where the name opens nothing."""
    if everyone(facts) is not PublicAccess.BY_NAME_OR_ID:
        return ""
    return "Links that use the old name stop working. Without a name, only its ID opens it."


def open_without_links(facts: Facts) -> str:
    """Say who can read a storage without any pre-signed link; empty where only users with access can."""
    noun = KINDS[facts.kind].noun
    if everyone(facts) is PublicAccess.NO:
        return ""
    return f"Anyone who has the ID can read this {noun} without any of these links."


def count(number: int, noun: str) -> str:
    """Return a number of things in words: "1 build", "2 builds"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _without_account(resource: Resource, seen: Visibility) -> str:
    """Say what opens something to users without access: nothing, or what is listed below."""
    links, holders = (sum(len(part) for part in parts) for parts in _parts(seen.links))
    if not links and not holders:
        return "The link alone gives no access."
    ways = []
    if links:
        ways.append(f"anyone who has {'the active link' if links == 1 else f'one of the {links:,} active links'}")
    if holders:
        ways.append("anyone who has a link that was signed with a key")
    storages = "its content" if resource.info.storage else "the content of its storages"
    text = " and ".join(ways)
    return f"{text[:1].upper()}{text[1:]} can read {storages}, too: they are listed above."


def _parts(found: Sequence[StorageLinks]) -> tuple[list[Sequence[object]], list[Sequence[object]]]:
    return [each.links for each in found], [each.key_holders for each in found]


def _because(facts: Facts, account: str) -> str:
    _, source = general_access_source(facts)
    if source == "ACCOUNT":
        return f", because it follows {account}"
    if source == "RUN" and facts.run is not None:
        of_run = f", which follows {account}" if general_access_source(facts.run)[1] == "ACCOUNT" else ""
        return f", because it follows its run {facts.run.id}{of_run}"
    return ""


def _names(rows: Iterable[InheritedAccess]) -> str:
    names = list(dict.fromkeys(row.username for row in rows))
    shown, more = names[:_MOST_NAMES], len(names) - _MOST_NAMES
    if more > 0:
        return f"{', '.join(shown)} and {more:,} more"
    return " and ".join(filter(None, (", ".join(shown[:-1]), *shown[-1:])))


def _have(number: int) -> str:
    return "1 of yours has" if number == 1 else f"{number:,} of yours have"


def _its(number: int) -> str:
    return "its" if number == 1 else "their"


def _is(number: int) -> str:
    return "is" if number == 1 else "are"
