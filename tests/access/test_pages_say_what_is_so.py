"""What pages and e-mails say about who can read something, held to the decision in worlds that hypothesis makes.

Each reader below turns a page into a claim. The claim is then compared with what `decide` says for an anonymous
request, for a stranger and for each account, by ID and by NAME, and with what a live link opens.
"""

import re
from dataclasses import dataclass
from datetime import timedelta

import pytest
from django.core import mail
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import Account
from resources.kinds import KINDS, STORAGES, Kind
from resources.models import Resource, Run
from sharing.access import EXPLICIT, Reason
from sharing.facts import load_facts
from sharing.links import links
from sharing.links.check_signature import verify
from sharing.signatures import SignedContent
from tests.support.cast import PEOPLE
from tests.support.page_claims import STRANGER, PageCase, owner_of, section, some_worlds, text_of
from tests.support.random_worlds import worlds
from tests.support.worlds import World


@dataclass(frozen=True)
class Claim:
    """What a page says: whether anyone reads by ID or by NAME, who else does, and whether links open the content."""

    by_id: bool
    by_name: bool
    names: frozenset[str]
    by_link: bool = False


def names_in(html: str, labelled_by: str) -> set[str]:
    """Return the usernames of the rows of a list in the share dialog."""
    found = re.search(rf'<ul class="people" aria-labelledby="{labelled_by}">(.*?)</ul>\s*</section>', html, re.DOTALL)
    rows = re.findall(r'<span class="strong">([^<(]+?)(?: \(you\))?</span>', found[1]) if found else []
    return set(rows) - {"Everyone"}


def claim_of_dialog(html: str) -> Claim:
    general = text_of(html[html.index('id="share-general"') :].split("<form")[0])
    by_name = re.search(r"or the name \S+ can read", general) is not None
    by_id = re.search(r"Anyone who has its ID|Everyone can (?:see|read)", general) is not None
    only = "Only these people" in general
    assert by_id != only, general
    is_linked = 'id="share-links"' in html
    assert is_linked or "they are listed above" not in general
    if is_linked and only:
        assert "The link alone gives no access" not in general
        assert "they are listed above" in general
    names = names_in(html, "share-people") | names_in(html, "share-elsewhere")
    return Claim(by_id, by_name, frozenset(names), is_linked)


def claim_of_start(text: str) -> Claim:
    by_id = "Anyone who has its ID or its link can read it" in text
    assert by_id != ("can read it, unless you share it. Its ID or link alone gives no access" in text), text
    names: set[str] = set()
    for found in re.findall(r"([\w, ]+?) can read it, because you (?:share run data|let them)", text):
        names |= {name for name in re.split(r", | and ", found.strip()) if name}
    assert ("Only you can read" in text) == (not by_id and not names), text
    return Claim(by_id, False, frozenset(names))


class Pages(PageCase):
    """One page a test."""

    def check(self, world: World, name: str, claim: Claim, owner: str) -> None:
        """Hold a claim about a resource to the decision."""
        resource = world.resources[name]
        assert world.decide(None, name, "READ").allowed == claim.by_id, name
        if resource.name and KINDS[Kind(resource.kind)].storage:
            assert world.decide(None, name, "READ", "NAME").allowed == claim.by_name, name
        for who in (*PEOPLE, STRANGER):
            decision = world.decide(who, name, "READ")
            is_explicit = decision.reason in EXPLICIT - {Reason.PUBLIC_ACTOR}
            assert is_explicit == (who in claim.names) or who == owner or decision.reason is Reason.PUBLIC_ACTOR, (
                name,
                who,
                decision,
            )
            assert decision.allowed == (claim.by_id or who in claim.names or who == owner), (name, who, decision)

    @some_worlds
    @given(worlds(runs=1), st.data())
    def test_the_share_dialog(self, description, data):
        world = self.world(description)
        made = _make_links(world, data)
        for name, resource in world.resources.items():
            owner = owner_of(world, resource)
            claim = claim_of_dialog(self.page(world, owner, f"{resource.console_path}/share"))
            assert owner in claim.names
            self.check(world, name, claim, owner)
            within = [signature for at, signature in made if resource.pk in (at.pk, at.run_id)]
            assert claim.by_link == bool(within), name

    @some_worlds
    @given(worlds(runs=1))
    def test_the_start_dialog(self, description):
        world = self.world(description)
        for name in ("actor0", "actor1"):
            actor = world.resources[name]
            for who in (*PEOPLE, STRANGER):
                if not world.decide(who, name, "RUN").allowed:
                    continue
                page = self.page(world, who, f"{actor.console_path}/start")
                claim = claim_of_start(section(page, "start-access"))
                run = Run.objects.create(owner=world.accounts[who], actor=actor)
                store = Resource.objects.create(owner=run.owner, kind=Kind.DATASET, run=run, created_at=run.created_at)
                world.resources["new"] = run
                self.check(world, "new", claim, who)
                store.delete()
                run.delete()

    @some_worlds
    @given(worlds(runs=2))
    def test_security_and_privacy(self, description):
        world = self.world(description)
        for who in PEOPLE:
            page = self.page(world, who, "/settings/security")
            self._check_levels(world, who, page)
            self._check_run_sharing(world, who, section(page, "run-readers"))

    def _check_levels(self, world: World, who: str, page: str) -> None:
        account = world.accounts[who]
        mine = [
            name
            for name, each in world.resources.items()
            if each.owner_id == account.pk and KINDS[Kind(each.kind)].general_access
        ]
        for level in ("ANYONE_WITH_ID_CAN_READ", "RESTRICTED"):
            Account.objects.filter(pk=account.pk).update(general_access=level)
            decisions = [world.decide(None, name, "READ") for name in mine]
            said = section(page, f"general-access-{level}")
            if level == "RESTRICTED":
                is_open = sum(each.reason is Reason.ANYONE_WITH_ID for each in decisions)
                public = sum(world.resources[name].kind == Kind.BUILD and _is_public(world, name) for name in mine)
                shared = {
                    name
                    for name in mine
                    if world.resources[name].kind == Kind.RUN and _developer_reads(world, name, without_setting=True)
                }
                # A build that is public is open by that rule first, so its own level does not count as what opens it.
                own = _number(r"([\d,]+) of yours ha(?:s|ve) a level of (?:its|their) own that stays open", said)
                assert is_open <= own <= is_open + public, said
                assert _number(r"Everyone can read ([\d,]+) build", said) == public, said
                assert _number(r"([\d,]+) runs? (?:is|are) shared with the developer", said) == len(shared), said
            else:
                closed = sum(each.reason is Reason.NO_ACCESS for each in decisions)
                own = _number(r"([\d,]+) of yours ha(?:s|ve) a level of (?:its|their) own that is Restricted", said)
                assert closed <= own, said
        Account.objects.filter(pk=account.pk).update(general_access=account.general_access)

    def _check_run_sharing(self, world: World, who: str, said: str) -> None:
        account = world.accounts[who]
        runs = [
            name
            for name, each in world.resources.items()
            if each.owner_id == account.pk and each.kind == Kind.RUN and _developer(world, name) != who
        ]
        reads = [name for name in runs if world.decide(_developer(world, name), name, "READ").allowed]
        if "Developers can read none" in said:
            assert not reads, said
        if "can read all your runs" in said:
            assert all(name in reads for name in runs if _is_public(world, name)), said
        else:
            by_setting = {world.decide(_developer(world, name), name, "READ").reason for name in runs}
            assert Reason.CREATOR_RUNS not in by_setting

    @some_worlds
    @given(worlds(runs=1))
    def test_how_a_page_says_that_the_reader_sees_it_and_its_badge(self, description):
        world = self.world(description)
        for name, resource in world.resources.items():
            if resource.kind == Kind.SCHEDULE:
                continue
            for who in (*PEOPLE, STRANGER):
                decision = world.decide(who, name, "READ")
                if not decision.allowed:
                    continue
                page = self.page(world, who, resource.console_path)
                said = text_of(page)
                assert ("Your access: " in said) == (decision.reason is not Reason.OWNER), (who, name)
                by_link = "because anyone with its ID can read it" in said
                assert by_link == (decision.reason is Reason.ANYONE_WITH_ID), (who, name)
                badge = re.search(r'<span id="level".*?<span class="badge [^"]*" title="([^"]*)">', page, re.DOTALL)
                if badge:
                    is_open = world.decide(None, name, "READ").allowed
                    assert ("gives no access" not in badge[1]) == is_open, (who, name, badge[1])

    @some_worlds
    @given(worlds(runs=1), st.data())
    def test_the_links_page(self, description, data):
        world = self.world(description)
        made = _make_links(world, data)
        for name, resource in world.resources.items():
            if Kind(resource.kind) not in STORAGES:
                continue
            page = self.page(world, owner_of(world, resource), f"{resource.console_path}/links")
            is_open = world.decide(None, name, "READ").allowed
            assert ("can read this " in text_of(page) and "without any of these links" in text_of(page)) == is_open
            active = len(re.findall(r"badge-good", page))
            assert active == sum(at.pk == resource.pk for at, _ in made)

    @some_worlds
    @given(worlds(runs=1), st.data())
    def test_the_email_of_sharing(self, description, data):
        world = self.world(description)
        resource = data.draw(st.sampled_from(list(world.resources.values())))
        owner = owner_of(world, resource)
        who = data.draw(st.sampled_from([name for name in PEOPLE if name != owner]))
        name = world.name_of(resource.pk)
        mail.outbox.clear()
        with self.captureOnCommitCallbacks(execute=True):
            self.page(world, owner, f"{resource.console_path}/share")
            self.clients[owner].post(f"{resource.console_path}/share", {"who": who, "permissions": ["READ"]})
        for message in mail.outbox:
            assert message.to == [f"{who}@example.com"]
            assert "You can read." in str(message.body)
            assert world.decide(who, name, "READ").allowed


def _make_links(world: World, data: st.DataObject) -> list[tuple[Resource, str]]:
    """Make links to some storages by their owners and readers, and return those that open something."""
    made = []
    storages = [each for each in world.resources.values() if Kind(each.kind) in STORAGES]
    for resource in data.draw(st.lists(st.sampled_from(storages), max_size=3)):
        maker = world.accounts[data.draw(st.sampled_from([owner_of(world, resource), *PEOPLE]))]
        try:
            _, signature = links.create(resource, SignedContent.CONTENT, timedelta(days=7), by=maker.principal)
        except links.LinkRefused:
            continue
        if verify(signature, load_facts(resource, None), SignedContent.CONTENT) is not None:
            made.append((resource, signature))
    return made


def _actor(world: World, name: str) -> Resource:
    return Resource.objects.get(pk=world.resources[name].actor_id)


def _is_public(world: World, name: str) -> bool:
    return _actor(world, name).is_public


def _developer(world: World, name: str) -> str:
    return owner_of(world, _actor(world, name))


def _developer_reads(world: World, name: str, *, without_setting: bool) -> bool:
    developer = _developer(world, name)
    return world.decide(developer, name, "READ").reason in {Reason.GRANT, Reason.ISSUE}


def _number(pattern: str, text: str) -> int:
    found = re.search(pattern, text)
    return int(found[1].replace(",", "")) if found else 0


@pytest.mark.django_db
def test_a_restricted_dataset_with_a_live_link_says_that_the_link_opens_it(ada, make_resource, signed_in):
    dataset = make_resource(Kind.DATASET, ada, general_access="RESTRICTED")
    path = f"{dataset.console_path}/share"
    before = claim_of_dialog(signed_in(ada).get(path).content.decode())
    link, _ = links.create(dataset, SignedContent.CONTENT, timedelta(days=7), by=ada.principal)
    linked = claim_of_dialog(signed_in(ada).get(path).content.decode())
    links.revoke(link, by=ada.principal)
    after = claim_of_dialog(signed_in(ada).get(path).content.decode())
    assert (before.by_link, linked.by_link, after.by_link) == (False, True, False)


@pytest.mark.django_db
@pytest.mark.parametrize("level", ["ANYONE_WITH_ID_CAN_READ", "RESTRICTED"])
def test_the_export_dialog_says_what_a_link_adds_as_the_decision_has_it(ada, make_resource, signed_in, level):
    dataset = make_resource(Kind.DATASET, ada, general_access=level)

    said = text_of(signed_in(ada).get(f"{dataset.console_path}/export").content.decode())

    is_open = Client().get(f"/v2/datasets/{dataset.pk}").status_code == 200
    assert ("Anyone who has the ID can read this dataset without any of these links." in said) is is_open
    assert ("all others of this dataset without signing in, and nothing else." in said) is not is_open


@pytest.mark.django_db
@pytest.mark.parametrize("is_public", [True, False])
def test_the_settings_of_an_actor_say_who_sees_it_as_the_decision_has_it(ada, make_resource, signed_in, is_public):
    actor = make_resource(Kind.ACTOR, ada, name="prices", title="Prices", is_public=is_public)

    said = text_of(signed_in(ada).get(f"{actor.console_path}/settings").content.decode())

    everyone_sees = Client().get(f"/v2/actors/{actor.pk}").status_code == 200
    assert ("Everyone can see this Actor" in said) is everyone_sees
    assert ("The link alone gives no access." in said) is not everyone_sees
