"""What settings and dialogs promise, held to what is so once it is done: links, developers, publishing, issues."""

import re
from datetime import timedelta
from functools import reduce
from operator import or_

import pytest
from django.test import Client
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from accounts.holders import Holder
from accounts.lib.timestamps import milliseconds
from accounts.models import Account
from resources.kinds import STORAGES, Kind
from resources.models import Actor, Resource
from sharing import grants
from sharing.facts import load_facts
from sharing.issues import issues
from sharing.links import link_limits, links, signing_keys
from sharing.links.check_signature import verify
from sharing.models import Grant
from sharing.permissions import Permission
from sharing.policies import publishing
from sharing.signatures import HeldSigner, SignedContent
from sharing.visibility.labels import permission_verbs
from tests.support.cast import PEOPLE
from tests.support.page_claims import STRANGER, PageCase, owner_of, section, some_worlds, text_of
from tests.support.random_worlds import worlds
from tests.support.worlds import World

SECURITY = "/settings/security"
WHO = {
    "READ": "users who may only read it",
    "WRITE": "users who may write it",
    "MANAGE_ACCESS_RIGHTS": "users who may manage access to it",
}
ALL = "all users whom you have given access"


def named(sentence: str) -> set[str]:
    """Return the permissions of the users whom a sentence about makers of links names."""
    return set(WHO) if ALL in sentence else {permission for permission, words in WHO.items() if words in sentence}


class Promises(PageCase):
    """One page a test."""

    @some_worlds
    @given(worlds(runs=1))
    def test_who_can_make_links(self, description):
        world = self.world(description)
        for name, resource in world.resources.items():
            if Kind(resource.kind) not in STORAGES:
                continue
            owner = world.accounts[owner_of(world, resource)]
            said = section(self.page(world, owner.username, SECURITY), "reader-links-help")
            with_tick, without, open_ = re.search(
                r"With the tick, (.*?) can make .*?; without it, (.*?)\. Where anyone with the ID can read, (.*?)\.",
                said,
            ).groups()
            for tick, promised in ((True, with_tick), (False, without)):
                Account.objects.filter(pk=owner.pk).update(readers_make_links=tick)
                assert self._makers(world, resource, "RESTRICTED") == named(promised), (name, tick)
                assert self._makers(world, resource, "ANYONE_WITH_ID_CAN_READ") == named(open_), (name, tick)
                owner.refresh_from_db()
                assert named(links_saved(self, world, owner, tick)) == named(promised)

    def _makers(self, world: World, resource: Resource, level: str) -> set[str]:
        """Return by which permission a user can make a link to a storage."""
        Resource.objects.filter(pk=resource.pk).update(general_access=level)
        stranger = world.accounts[STRANGER]
        made = set()
        for permission in WHO:
            Grant.objects.filter(account=stranger).delete()
            grants.grant(resource, stranger, Permission[permission], by=resource.owner.principal)
            try:
                links.create(
                    Resource.objects.get(pk=resource.pk),
                    SignedContent.CONTENT,
                    timedelta(days=1),
                    by=stranger.principal,
                )
            except links.LinkRefused:
                continue
            made.add(permission)
        return made

    @some_worlds
    @given(worlds(runs=1), st.data())
    def test_the_links_that_stand(self, description, data):
        world = self.world(description)
        storages = [each for each in world.resources.values() if Kind(each.kind) in STORAGES]
        made: list[tuple[Resource, Account, str]] = []
        for resource in data.draw(st.lists(st.sampled_from(storages), max_size=4)):
            maker = world.accounts[data.draw(st.sampled_from([owner_of(world, resource), *PEOPLE]))]
            try:
                made.append(
                    (
                        resource,
                        maker,
                        links.create(resource, SignedContent.CONTENT, timedelta(days=7), by=maker.principal)[1],
                    )
                )
            except links.LinkRefused:
                continue
        for who in PEOPLE:
            page = self.page(world, who, SECURITY)
            mine = [(at, by, signed) for at, by, signed in made if at.owner_id == world.accounts[who].pk]
            said = section(page, "links-standing")
            assert _number(r"([\d,]+) links? that (?:was|were) made here", said) == len(mine), said
            others = [each for each in mine if each[1].username != who]
            assert _number(r"([\d,]+) of them made by other users", said) == len(others), said
            assert all(
                verify(signed, load_facts(at, None), SignedContent.CONTENT) is not None for at, _, signed in mine
            )
            assert "to everyone who has them, without signing in" in section(page, "pre-signed-links-help")

    @some_worlds
    @given(worlds(runs=2))
    def test_what_developers_will_read(self, description):
        world = self.world(description)
        for who in PEOPLE:
            said = section(self.page(world, who, SECURITY), "run-sharing-help")
            Account.objects.filter(username=who).update(share_runs_with_actor_creators=True)
            for name, each in world.resources.items():
                run = each if each.kind == Kind.RUN else each.run
                if run is None or run.owner.username != who or not run.actor.is_public:
                    continue
                developer = run.actor.owner.username
                promised = "they can read the log" in said if each is run else "and storages" in said
                assert world.decide(developer, name, "READ").allowed is promised, name

    @some_worlds
    @given(worlds(runs=2))
    def test_publishing_and_making_private(self, description):
        world = self.world(description)
        for name in ("actor0", "actor1"):
            actor = Actor.objects.get(pk=world.resources[name].pk)
            managers = {
                who
                for who in PEOPLE
                if world.decide(who, name, "MANAGE_ACCESS_RIGHTS").allowed
                and (actor.is_public or all(world.decide(who, name, each).allowed for each in ("WRITE", "RUN")))
            }
            for who in managers:
                page = self.page(world, who, f"{actor.console_path}/publish")
                wanted = not actor.is_public
                Actor.objects.filter(pk=actor.pk).update(is_public=wanted)
                (self._check_public if wanted else self._check_private)(world, name, who, text_of(page))
                Actor.objects.filter(pk=actor.pk).update(is_public=not wanted)

    def _check_public(self, world: World, name: str, who: str, said: str) -> None:
        actor = Actor.objects.get(pk=world.resources[name].pk)
        assert ("become readable by everybody" in said) is world.decide(None, name, "READ").allowed
        assert ("Everybody with an account can run it" in said) is world.decide(STRANGER, name, "RUN").allowed
        for other, each in world.resources.items():
            if each.kind == Kind.BUILD and each.actor_id == actor.pk:
                assert ("all its builds" in said) is world.decide(None, other, "READ").allowed
        developer = "You" if who == actor.owner.username else actor.owner.username
        assert f"{developer} can read the runs of users who share run data with developers" in said
        for other, each in world.resources.items():
            if each.kind == Kind.RUN and each.actor_id == actor.pk and each.owner.share_runs_with_actor_creators:
                assert world.decide(actor.owner.username, other, "READ").allowed

    def _check_private(self, world: World, name: str, who: str, said: str) -> None:
        actor = Actor.objects.get(pk=world.resources[name].pk)
        only = re.search(r"From now on only (.*?) can see it, its source and its issues(, and run it)?\.", said)
        assert only
        runners = re.search(r"Of these, (.*?) can run it\.", said)
        readers = people(only[1], who)
        assert readers == {each for each in (*PEOPLE, STRANGER) if world.decide(each, name, "READ").allowed}
        runs = people(runners[1], who) if runners else readers
        assert (runners is None) is bool(only[2])
        assert runs == {each for each in (*PEOPLE, STRANGER) if world.decide(each, name, "RUN").allowed}
        assert not world.decide(None, name, "READ").allowed
        builds = [
            other for other, each in world.resources.items() if each.kind == Kind.BUILD and each.actor_id == actor.pk
        ]
        open_ = sum(world.decide(None, build, "READ").allowed for build in builds)
        assert _number(r"can still read ([\d,]+) builds?", said) == open_
        if "They alone can read its builds" in said:
            for build in builds:
                assert {each for each in (*PEOPLE, STRANGER) if world.decide(each, build, "READ").allowed} <= readers
        sees = "You no longer see" if who == actor.owner.username else f"{actor.owner.username} no longer sees"
        reasons = {
            world.decide(actor.owner.username, other, "READ").reason
            for other, each in world.resources.items()
            if each.kind == Kind.RUN and each.actor_id == actor.pk
        }
        assert (f"{sees} runs that came only because" in said) is ("CREATOR_RUNS" not in reasons)

    @some_worlds
    @given(worlds(runs=1))
    def test_who_reads_the_issues_of_an_actor(self, description):
        world = self.world(description)
        for name in ("actor0", "actor1"):
            actor = world.resources[name]
            for end in ("issues", "issues/new"):
                said = text_of(self.page(world, owner_of(world, actor), f"{actor.console_path}/{end}"))
                everyone = Client().get(f"/v2/actors/{actor.pk}/issues").status_code == 200
                assert ("Everyone can read what is said here" in said) is everyone
                assert ("Only users who can see the Actor can read what is said here" in said) is not everyone

    @some_worlds
    @given(worlds(runs=2), st.data())
    def test_what_an_issue_says_of_its_runs(self, description, data):
        world = self.world(description)
        for issue in world.issues:
            for run in issues.attached(issue):
                developer, owner = issue.actor.owner, run.owner
                if (
                    developer.pk == owner.pk
                    or not world.decide(owner.username, self._name(world, issue), "READ").allowed
                ):
                    continue
                if data.draw(st.booleans()):
                    grants.revoke(run, developer, by=owner.principal)
                decision = world.decide(developer.username, world.name_of(run.pk), "READ")
                mine = text_of(self.page(world, owner.username, issue.console_path))
                theirs = text_of(self.page(world, developer.username, issue.console_path))
                shared = issues.shared_runs(issue)
                by_issue = f"{run.pk} is attached. {developer} can read it, with its storages, through this issue."
                assert (by_issue in mine) is (run.pk in shared)
                if run.pk in shared:
                    assert decision.allowed
                    continue
                assert (f"any more. {developer} can still read it in another way." in mine) is decision.allowed
                assert ("any more. You can still read it in another way." in theirs) is decision.allowed
                assert "you have removed that access" not in mine

    def _name(self, world: World, issue) -> str:
        return world.name_of(issue.actor_id)

    @some_worlds
    @given(worlds(runs=2))
    def test_what_a_run_says_of_storages_that_its_reader_may_not_read(self, description):
        world = self.world(description)
        for name, run in world.resources.items():
            if run.kind != Kind.RUN:
                continue
            for who in (*PEOPLE, STRANGER):
                if not world.decide(who, name, "READ").allowed:
                    continue
                said = text_of(self.page(world, who, f"{run.console_path}?tab=output"))
                for kind in ("dataset", "keyValueStore"):
                    noun = {"dataset": "dataset", "keyValueStore": "key-value store"}[kind]
                    closed = f"The default {noun} of this run is Restricted, and not shared with you." in said
                    assert closed is not world.decide(who, f"{name}-{kind}", "READ").allowed, (name, who, kind)


def links_saved(case: Promises, world: World, owner: Account, tick: bool) -> str:
    """Save the setting for readers as it is not, then as `tick` says, and return what the page says then."""
    Account.objects.filter(pk=owner.pk).update(readers_make_links=not tick)
    browser = case.browser(world, owner.username)
    given = {"reader_links": "on"} if tick else {}
    page = browser.post(f"{SECURITY}/reader-links", given, headers={"HX-Request": "true"}).content.decode()
    found = re.search(r"Now (.*?) can make new links to a Restricted storage", text_of(page))
    assert found
    return found[1]


def people(names: str, reader: str) -> set[str]:
    return {reader if name == "you" else name for name in re.split(r", | and ", names)}


def _number(pattern: str, text: str) -> int:
    found = re.search(pattern, text)
    return int(found[1].replace(",", "")) if found else 0


@pytest.mark.django_db
def test_links_of_readers_go_on_without_the_tick(ada, ben, make_resource, give, signed_in):
    store = make_resource(Kind.DATASET, ada, general_access="RESTRICTED")
    give(store, ben)
    links.set_reader_links(ada, True, by=ada.principal)
    _, signature = links.create(store, SignedContent.CONTENT, timedelta(days=7), by=ben.principal)
    links.set_reader_links(ada, False, by=ada.principal)
    assert "Links that were made go on." in section(signed_in(ada).get(SECURITY).content.decode(), "reader-links-help")
    assert verify(signature, load_facts(store, None), SignedContent.CONTENT) is not None


@pytest.mark.django_db
def test_how_long_links_open_something(ada, make_resource, signed_in):
    page = signed_in(ada).get(SECURITY).content.decode()
    store = make_resource(Kind.DATASET, ada, general_access="RESTRICTED")

    def opens(days: int | None) -> bool:
        at = 0 if days is None else milliseconds(timezone.now() + timedelta(days=days))
        facts = load_facts(store, None)
        signature = HeldSigner(signing_keys.key_source(facts), Holder(ada.pk).code).sign(SignedContent.CONTENT, at)
        return verify(signature, facts, SignedContent.CONTENT) is not None

    assert ("and may be permanent" in section(page, "link-limit-none")) is opens(None)
    link_limits.set_cap(ada, 7, by=ada.principal)
    said = section(page, "link-limit-days")
    assert ("A permanent link never opens anything" in said) is not opens(None)
    assert ("A link that has longer to live opens nothing" in said) is not opens(8)
    assert opens(6)


@pytest.mark.django_db
@pytest.mark.parametrize("level", ["ANYONE_WITH_ID_CAN_READ", "RESTRICTED"])
def test_a_link_that_was_made_says_when_its_address_opens_nothing_any_more(ada, make_resource, signed_in, level):
    store = make_resource(Kind.KEY_VALUE_STORE, ada, general_access=level)
    said = text_of(signed_in(ada).post(f"{store.console_path}/link", {"lifetime": 24}).content.decode())
    links.revoke_all(store, by=ada.principal)
    opens = Client().get(f"/v2/key-value-stores/{store.pk}/keys").status_code == 200
    assert ("It ends earlier if it is revoked or you lose your access." in said) is not opens
    assert ("Anyone who has the ID can read this key-value store" in said) is opens


@pytest.mark.django_db
@pytest.mark.parametrize("is_public", [True, False])
def test_the_settings_say_who_can_publish(ada, ben, make_resource, give, signed_in, is_public):
    actor = make_resource(Kind.ACTOR, ada, name="prices", is_public=is_public)
    give(actor, ben, "WRITE")
    said = text_of(signed_in(ben).get(f"{actor.console_path}/settings").content.decode())
    needed = reduce(or_, publishing.needed(public=not is_public))
    assert f"Users who can {permission_verbs(needed)} can {'make it private' if is_public else 'publish it'}." in said
    grants.grant(actor, ben, needed | Permission.WRITE, by=ada.principal)
    assert f"{actor.console_path}/publish" in signed_in(ben).get(f"{actor.console_path}/settings").content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize("level", ["ANYONE_WITH_NAME_CAN_READ", "ANYONE_WITH_ID_CAN_READ", "RESTRICTED"])
def test_renaming_warns_where_the_name_opens_something(ada, make_resource, signed_in, level):
    store = make_resource(Kind.DATASET, ada, name="prices", general_access=level)
    said = text_of(signed_in(ada).get(f"{store.console_path}/rename").content.decode())
    opens = Client().get("/v2/datasets/ada~prices").status_code == 200
    assert ("Without a name, only its ID opens it." in said) is opens
    if opens:
        Resource.objects.filter(pk=store.pk).update(name=None)
        assert Client().get("/v2/datasets/ada~prices").status_code == 404
        assert Client().get(f"/v2/datasets/{store.pk}").status_code == 200
