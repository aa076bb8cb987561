"""What settings and dialogs promise, in sentences. Each is worded from what sharing/visibility/predictions.py found."""

from collections.abc import Sequence
from functools import reduce
from operator import or_

from accounts.models import Account
from console.pages.components.visibility_sentences import count, open_without_links
from resources.models import Actor, GeneralAccess
from sharing.access import Facts
from sharing.links import link_limits
from sharing.policies import publishing
from sharing.visibility import predictions
from sharing.visibility.labels import permission_verbs
from sharing.visibility.predictions import LinkMakers, VisibilityAfterPublish
from sharing.visibility.visibility import PublicAccess

_DAY = 24 * 60 * 60 * 1000
_MOST_NAMES = 5
NO_LINKS = "Links open nothing."


def link_sentence(facts: Facts, opens: str) -> str:
    """Say who can read what a link `opens` of a storage, and what else they can read of it."""
    if not predictions.opens_by_link(facts):
        return NO_LINKS
    sentence = f"Everyone who has the link can read {opens} without signing in"
    without = open_without_links(facts)
    return f"{sentence}. {without}" if without else f"{sentence}, and nothing else."


def links_sentence(facts: Facts) -> str:
    """Say who can read what the links to a storage open."""
    if not predictions.opens_by_link(facts):
        return NO_LINKS
    days = facts.owner_link_days
    for_days = f", for {count(days, 'day')} at most" if days else ""
    sentence = f"Anyone who has one can read what it opens, without signing in{for_days}."
    return f"{sentence} {open_without_links(facts)}".rstrip()


def end_sentence(facts: Facts) -> str:
    """Say when a link that a user has just made ends before its time."""
    without = open_without_links(facts)
    return without or "It ends earlier if it is revoked or you lose your access."


def what_links_open(account: Account) -> str:
    """Say what pre-signed links are, to the owner of what they open."""
    if not predictions.links_open(account):
        return NO_LINKS
    return (
        "Links that open the content of one of your storages, or one record, to everyone who has them, without "
        "signing in."
    )


def standing_sentence(account: Account) -> str:
    """Say how many links to what an account owns stand."""
    found = predictions.links_to_what_is_owned_by(account)
    others = f", {found.of_others:,} of them made by other users" if found.of_others else ""
    keys = f"; programs sign more with {count(found.keys, 'key')}" if found.keys else ""
    made = f"{count(found.links, 'link')} that {'was' if found.links == 1 else 'were'} made here"
    return f"{made}{others}{keys}. Answers of the API hold others, which are on no list."


def limit_sentences() -> dict[str, str]:
    """Say of links without and with a limit how long they open something."""
    permanent = ", and may be permanent" if link_limits.lets_live(None, None) else ""
    said = (
        "" if link_limits.lets_live(2 * _DAY, 1) else "A link that has longer to live opens nothing, and stays refused."
    )
    never = "" if link_limits.lets_live(None, 1) else "A permanent link never opens anything."
    return {
        "no_limit": f"A link lives as long as its maker chooses{permanent}.",
        "limited": f"{said} {never}".strip(),
    }


def reader_link_sentences(account: Account) -> list[str]:
    """Say which users can make links to what an account owns, with and without the tick, and what these open."""

    def makers(level: GeneralAccess, tick: bool) -> str:
        return _makers(predictions.link_makers(account, level, readers_make_links=tick))

    restricted, open_ = GeneralAccess.RESTRICTED, GeneralAccess.ANYONE_WITH_ID_CAN_READ
    said = [
        "A link opens the content of a storage without signing in, to everyone who has it, and works as long as the "
        "user who made it may read the storage."
        if predictions.links_open(account)
        else NO_LINKS,
        f"With the tick, {makers(restricted, True)} can make links to a Restricted storage of yours; without it, "
        f"{makers(restricted, False)}.",
    ]
    with_tick, without = makers(open_, True), makers(open_, False)
    either_way = f"{without} can" if with_tick == without else f"{with_tick} can with the tick, {without} without it"
    return [*said, f"Where anyone with the ID can read, {either_way}.", "Links that were made go on."]


def link_makers_sentence(account: Account) -> str:
    """Say which users can make links to an account's Restricted storages now."""
    tick = account.readers_make_links
    found = predictions.link_makers(account, GeneralAccess.RESTRICTED, readers_make_links=tick)
    return f"Now {_makers(found)} can make new links to a Restricted storage of yours."


def developer_sentence(account: Account) -> str:
    """Say what developers read of an account's runs while it shares run data with them."""
    found = predictions.developer_access(account, shares=True)
    if not found.run:
        return "They can read none of your runs."
    storages = ", input, output and storages" if found.storages else ""
    return (
        f"With the tick, they can read the log{storages} of all your runs of their Actors: those that you have "
        "already and those to come."
    )


def publish_sentences(found: VisibilityAfterPublish, actor: Actor, by_owner: bool) -> list[str]:
    """Say what making an Actor public leaves as it is; `by_owner` tells whether its owner reads this."""
    who = "You" if by_owner else str(actor.owner)
    said = ["The values of environment variables stay with those who may change the Actor."]
    if found.runs is PublicAccess.NO:
        said.append("Runs with their data stay with the users who started them.")
    if found.developer_reads_shared:
        said.append(f"{who} can read the runs of users who share run data with developers.")
    return said


def private_sentences(found: VisibilityAfterPublish, actor: Actor, reader: Account) -> list[str]:
    """Say to `reader` who can see and run an Actor, its builds and its runs once it is private."""
    readers, runners = (_people(names, reader) for names in (found.readers, found.runners))
    run = ", and run it" if readers == runners else f". Of these, {runners} can run it"
    said = [f"From now on only {readers} can see it, its source and its issues{run}."]
    if found.everyone is not PublicAccess.NO:
        return ["Everyone can see it, as before."]
    if found.open_builds:
        said.append(f"Anyone who has their ID can still read {count(found.open_builds, 'build')}, with the source.")
    if found.own_builds:
        number = found.own_builds
        said.append(f"{count(number, 'build')} {'has' if number == 1 else 'have'} readers of {_their(number)} own.")
    if not found.open_builds and not found.own_builds:
        said.append("They alone can read its builds.")
    if not found.developer_reads_shared:
        owner_sees = "You no longer see" if actor.owner_id == reader.pk else f"{actor.owner} no longer sees"
        said.append(f"{owner_sees} runs that came only because their owners share runs with developers.")
    return said


def who_can_publish(*, public: bool) -> str:
    """Say who can make an Actor public, or private."""
    needed = reduce(or_, publishing.needed(public=public))
    return f"Users who can {permission_verbs(needed)} can {'publish it' if public else 'make it private'}."


def issues_sentence(everyone: PublicAccess) -> str:
    """Say who can read what is said in the issues of an Actor."""
    if everyone is PublicAccess.PUBLIC:
        return "Everyone can read what is said here, because the Actor is public."
    return "Only users who can see the Actor can read what is said here."


def _makers(found: LinkMakers) -> str:
    """Name the users who can make links."""
    if found.readers and found.writers and found.managers:
        return "all users whom you have given access"
    names = [
        name
        for name, can in (
            ("users who may only read it", found.readers),
            ("users who may write it", found.writers),
            ("users who may manage access to it", found.managers),
        )
        if can
    ]
    return " and ".join(names) or "only you"


def _people(names: Sequence[str], reader: Account) -> str:
    """Return names as a list in words, with "you" for the reader's own."""
    found = ["you" if name == reader.username else name for name in names]
    shown, more = found[:_MOST_NAMES], len(found) - _MOST_NAMES
    if more > 0:
        return f"{', '.join(shown)} and {more:,} more"
    return " and ".join(filter(None, (", ".join(shown[:-1]), *shown[-1:])))


def _their(number: int) -> str:
    return "its" if number == 1 else "their"
