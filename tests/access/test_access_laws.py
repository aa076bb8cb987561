"""Laws that hold in every world, tried on worlds that hypothesis makes."""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta

from apify_client._utils.crypto import create_storage_content_signature
from django.utils import timezone
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from accounts import tokens
from accounts.holders import Holder
from accounts.models import Account
from accounts.principal import Principal, RunIdentity, Scope, ScopeEntry
from resources.kinds import Kind
from resources.models import Resource, Run
from sharing import decide_many, general_access, grants
from sharing.access import Reason, decide
from sharing.facts import load_facts
from sharing.general_access import get_levels
from sharing.grant_ends import counts
from sharing.issues import issues
from sharing.links import link_limits, links
from sharing.links.check_signature import verify
from sharing.links.signing_keys import key_source
from sharing.lists import Ownership
from sharing.models import Grant, Issue, StorageKey
from sharing.permissions import NOTHING, Permission, parse
from sharing.signatures import HeldSigner, SignedContent, signing_key
from tests.support.cast import PEOPLE
from tests.support.random_worlds import LISTED_FOR, few_worlds, person, worlds
from tests.support.worlds import World, build


class Laws(TestCase):
    """One law a test."""

    @few_worlds
    @given(worlds())
    def test_the_decision_and_the_list_agree_row_by_row(self, description):
        world = build(description)
        for who in PEOPLE:
            decided = {}
            for name in world.resources:
                decision = world.decide(who, name, "READ")
                if decision.allowed and decision.reason in LISTED_FOR:
                    decided[name] = decision.reason
            for ownership, reasons in (
                (Ownership.BOTH, LISTED_FOR),
                (Ownership.MINE, {Reason.OWNER}),
                (Ownership.SHARED, LISTED_FOR - {Reason.OWNER}),
            ):
                expected = {name: reason for name, reason in decided.items() if reason in reasons}
                rows = world.listed(who, ownership)
                assert len(rows) == len({row.id for row in rows})
                assert {world.name_of(row.id): row.reason for row in rows} == expected

    @few_worlds
    @given(worlds(), st.data())
    def test_a_scope_never_widens_and_never_does_less_than_no_token(self, description, data):
        world = build(description)
        who = data.draw(person)
        entries = data.draw(st.lists(_scope_entries(list(world.resources.values())), max_size=4))
        whole = world.principal(who)
        scoped = Principal(whole.account_id, whole.username, whole.email, "token", Scope(tuple(entries)))
        within = {row[1:] for row in world.allowed({who: scoped})}
        assert within <= {row[1:] for row in world.allowed({who: whole})}
        assert within >= {row[1:] for row in world.allowed({None: Principal()})}

    @few_worlds
    @given(worlds(), st.data())
    def test_a_run_of_another_accounts_actor_never_may_more_than_its_owner_nor_less_than_no_token(
        self, description, data
    ):
        world = build(description)
        who = data.draw(person)
        entries = data.draw(st.lists(_scope_entries(list(world.resources.values())), max_size=4))
        scope = data.draw(st.sampled_from([None, Scope(tuple(entries))]))
        whole = replace(world.principal(who), scope=scope)
        own = replace(whole, run=RunIdentity("r" * 17, is_of_other_account=False, started_by_token_id=""))
        foreign = replace(whole, run=RunIdentity("r" * 17, is_of_other_account=True, started_by_token_id=""))
        of_account, of_own, of_foreign, of_nobody = (
            {row[1:] for row in world.allowed({None: each})} for each in (whole, own, foreign, Principal())
        )
        assert of_nobody <= of_foreign <= of_own == of_account
        assert not any(permission == "MANAGE_ACCESS_RIGHTS" for _, permission, _ in of_foreign)

    @few_worlds
    @given(worlds())
    def test_the_decision_for_many_is_the_decision_for_each(self, description):
        world = build(description)
        names = [name for name, resource in world.resources.items() if not resource.info.general_access]
        foreign = RunIdentity("r" * 17, is_of_other_account=True, started_by_token_id="")
        for who in (*PEOPLE, None):
            plain = world.principal(who)
            for principal in (plain, replace(plain, run=foreign)) if who else (plain,):
                for permission in Permission:
                    expected = {
                        world.resources[name].pk
                        for name in names
                        if world.decide_for(principal, name, permission.name or "").allowed
                    }
                    found = decide_many.ids_allowed([world.resources[name] for name in names], principal, permission)
                    assert found == expected
                    self._check_parents(world, principal, permission, found)

    def _check_parents(self, world: World, principal: Principal, permission: Permission, allowed: set[str]) -> None:
        for name in ("run0", "run1", "build0"):
            facts = load_facts(world.resources[name], principal.account_id)
            for kind, parent in ((Kind.ACTOR, facts.actor), (Kind.TASK, facts.task)):
                if parent is not None:
                    may = decide_many.is_allowed_on_parent(kind, parent, principal, permission)
                    assert may is (parent.id in allowed)

    @few_worlds
    @given(worlds(), st.data())
    def test_tightening_a_setting_gives_nobody_anything(self, description, data):
        world = build(description)
        before = world.allowed()
        self._tighten(world, data)
        assert world.allowed() <= before

    @few_worlds
    @given(worlds(), st.data())
    def test_taking_back_what_was_given_returns_exactly_the_access_of_before(self, description, data):
        world = build(description)
        before = world.allowed()
        for take_back in self._give(world, data):
            take_back()
        assert world.allowed() == before

    @few_worlds
    @given(worlds(), st.data())
    def test_nobody_gives_what_they_cannot_do_nor_does_a_scoped_token(self, description, data):
        world = build(description)
        resource = data.draw(st.sampled_from(list(world.resources.values())))
        owner = next(account for account in world.accounts.values() if account.pk == resource.owner_id)
        giver = data.draw(st.sampled_from([owner, *world.accounts.values()]))
        receiver = data.draw(st.sampled_from([account for account in world.accounts.values() if account != owner]))
        entries = data.draw(st.lists(_scope_entries([resource]), max_size=4))
        scope = data.draw(st.sampled_from([None, Scope(tuple(entries))]))
        by = replace(giver.principal, scope=scope)
        wanted = parse(data.draw(_some_of(resource.info.permissions)), Kind(resource.kind))
        facts = load_facts(resource, giver.pk)
        held = {permission for permission in Permission if decide(by, facts, permission).allowed}
        before = _direct(resource, receiver)
        with suppress(grants.BeyondOwnPermissions):
            grants.grant(resource, receiver, wanted, by=by)
        assert set(_direct(resource, receiver) & ~before) <= held

    @few_worlds
    @given(worlds(), st.data())
    def test_a_signature_opens_as_long_as_its_holder_has_the_access_that_it_hands_on(self, description, data):
        """A client's while the holder has WRITE, the server's while it has READ by one of the rules 1 to 8."""
        world = build(description)
        scope = Scope(tuple(data.draw(st.lists(_scope_entries(list(world.resources.values())), max_size=4))))
        holders = _holders(world, {data.draw(person): scope})
        made = [each for holder in holders for each in _signed(world, holder)]
        before = {each for each in made if each.opens()}
        assert before == {each for each in made if each.should_open()}
        for change in data.draw(st.lists(st.sampled_from([self._tighten, self._give_once, _revoke_one]), max_size=3)):
            change(world, data)
        assert {each for each in made if each.opens()} == {each for each in made if each.should_open()}

    @few_worlds
    @given(worlds(), st.data())
    def test_tightening_a_setting_or_turning_a_key_lets_no_signature_open(self, description, data):
        world = build(description)
        made = [each for holder in _holders(world, {}) for each in _signed(world, holder)]
        before = {each for each in made if each.opens()}
        what = data.draw(st.sampled_from(["tighten", "storage", "account"]))
        if what == "tighten":
            self._tighten(world, data)
            ended = set()
        elif what == "storage":
            storage = data.draw(st.sampled_from(_storages(world)))
            links.revoke_all(storage, by=Principal(storage.owner_id))
            ended = {each for each in made if each.resource == storage}
        else:
            account = world.accounts[data.draw(person)]
            link_limits.set_cap(
                account, data.draw(st.integers(min_value=14, max_value=link_limits.MAX_CAP)), by=account.principal
            )
            ended = {each for each in made if each.resource.owner_id == account.pk}
        assert {each for each in made if each.opens()} <= before - ended

    def _give_once(self, world: World, data: st.DataObject) -> None:
        next(self._give(world, data))

    def _tighten(self, world: World, data: st.DataObject) -> None:
        what = data.draw(st.sampled_from(["account", "resource", "opt-out", "unpublish"]))
        if what == "account":
            account = world.accounts[data.draw(person)]
            general_access.set_for_account(account, "RESTRICTED", by=account.principal)
        elif what == "opt-out":
            account = world.accounts[data.draw(person)]
            general_access.set_run_sharing(account, False, by=account.principal)
        elif what == "unpublish":
            Resource.objects.filter(pk=world.resources["actor0"].pk).update(is_public=False)
        else:
            resource = data.draw(st.sampled_from([r for r in world.resources.values() if get_levels(r)]))
            general_access.set_for_resource(resource, "RESTRICTED", by=Principal(resource.owner_id))

    def _give(self, world: World, data: st.DataObject):
        """Give somebody something, and yield what takes it back."""
        what = data.draw(st.sampled_from(["grant", "issue", "opt-in"]))
        if what == "grant":
            resource = data.draw(st.sampled_from(list(world.resources.values())))
            account = world.accounts[data.draw(person)]
            had_none = not resource.grants.filter(counts(), account=account, source="DIRECT").exists()
            had_issue = resource.grants.filter(account=account, source="ISSUE").exists()
            assume(account.pk != resource.owner_id and had_none and not had_issue)
            by = Principal(resource.owner_id)
            grants.grant(resource, account, parse(resource.info.permissions, Kind(resource.kind)), by=by)
            yield lambda: grants.revoke(resource, account, by=by)
        elif what == "issue":
            run = Run.objects.get(pk=world.resources["run0"].pk)
            by = Principal(run.owner_id)
            author = Account.objects.get(pk=run.owner_id)
            issue = Issue.objects.create(actor_id=run.actor_id, author=author, title="Prices missing")
            issues.attach_run(issue, run, by=by)
            yield lambda: issues.delete(issue, by=by)
        else:
            account = world.accounts[data.draw(person)]
            assume(not account.share_runs_with_actor_creators)
            by = account.principal
            general_access.set_run_sharing(account, True, by=by)
            yield lambda: general_access.set_run_sharing(account, False, by=by)


@dataclass(frozen=True)
class _Signature:
    """What a holder can hand on of a storage: signed by its client with its key, or by the server for it."""

    holder: Principal
    resource: Resource
    text: str
    by_client: bool

    def opens(self) -> bool:
        return verify(self.text, load_facts(self.resource, None), SignedContent.CONTENT) is not None

    def should_open(self) -> bool:
        facts = load_facts(self.resource, self.holder.account_id)
        if self.by_client:
            return decide(self.holder, facts, Permission.WRITE).allowed
        return decide(self.holder, facts, Permission.READ).reason in LISTED_FOR


def _holders(world: World, scopes: dict[str, Scope]) -> list[Principal]:
    """Return the accounts, and a token of each, which has a scope where one is given."""
    found = []
    for name, account in world.accounts.items():
        scope = scopes.get(name)
        entries = scope.to_json() if scope else None
        token, _ = tokens.create(account, "law", by=account.principal, scope=entries)
        found += [account.principal, replace(account.principal, token_id=token.pk, scope=scope)]
    return found


def _storages(world: World) -> list[Resource]:
    return [resource for resource in world.resources.values() if resource.info.storage]


def _signed(world: World, holder: Principal) -> Iterable[_Signature]:
    """Sign all storages by both ways, as if the holder had been given each key, whatever it may do now."""
    for resource in _storages(world):
        facts = load_facts(resource, holder.account_id)
        code = Holder(holder.account_id or "", holder.token_id or "").code
        StorageKey.objects.create(resource=resource, account_id=holder.account_id or "", token_id=holder.token_id or "")
        key = signing_key(key_source(facts), code)
        yield _Signature(holder, resource, create_storage_content_signature(resource.pk, key), by_client=True)
        ends = int((timezone.now() + timedelta(days=13)).timestamp() * 1000)
        yield _Signature(
            holder, resource, HeldSigner(key_source(facts), code).sign(SignedContent.CONTENT, ends), by_client=False
        )


def _revoke_one(world: World, data: st.DataObject) -> None:
    found = list(Grant.objects.order_by("pk"))
    if found:
        grant = data.draw(st.sampled_from(found))
        grants.revoke(grant.resource, grant.account, by=Principal(grant.resource.owner_id))


def _some_of(permissions: Iterable[str]) -> st.SearchStrategy[frozenset[str]]:
    return st.frozensets(st.sampled_from(list(permissions)), min_size=1)


def _direct(resource: Resource, account: Account) -> Permission:
    grant = resource.grants.filter(counts(), account=account, source="DIRECT").first()
    return Permission(grant.permissions) if grant else NOTHING


def _scope_entries(resources: list[Resource]) -> st.SearchStrategy[ScopeEntry]:
    return st.builds(
        ScopeEntry,
        kind=st.sampled_from([kind.value for kind in Kind]),
        permissions=st.frozensets(st.sampled_from([permission.name or "" for permission in Permission])),
        resource_id=st.sampled_from([None, *(resource.pk for resource in resources)]),
    )
