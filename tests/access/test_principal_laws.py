"""Laws of principals, tried on worlds with organizations, tokens and runs that hypothesis makes."""

from dataclasses import replace
from typing import Any

from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from accounts import token_editing, tokens
from accounts.models import ApiToken, Membership, OrganizationRole
from accounts.principal import ANONYMOUS, Principal
from resources.models import Resource, Run
from resources.runs.tokens import make_run_token
from sharing.permissions import Permission
from tests.support.principal_worlds import PrincipalWorld, build
from tests.support.random_principals import MEMBERS, ORGANIZATION, principal_worlds
from tests.support.random_worlds import LISTED_FOR, few_worlds

Allowed = set[tuple[str, str, str]]


def allowed(world: PrincipalWorld, principal: Principal) -> Allowed:
    """Return all that a principal may do in a world: (resource, permission, how it is addressed)."""
    return {
        (name, permission.name or "", by)
        for name, resource in world.world.resources.items()
        for permission in Permission
        for by in ("ID", "NAME")
        if (by == "ID" or resource.name) and world.world.decide_for(principal, name, permission.name or "", by).allowed
    }


class Laws(TestCase):
    """One law a test."""

    @few_worlds
    @given(principal_worlds())
    def test_a_narrowing_never_widens_and_never_does_less_than_no_token(self, description):
        world = build(description)
        nothing = allowed(world, ANONYMOUS)
        whole = {account.pk: allowed(world, account.principal) for account in world.world.accounts.values()}
        for name, principal in world.principals.items():
            may = allowed(world, principal)
            assert nothing <= may, name
            assert may <= whole.get(principal.account_id or "", nothing), name

    @few_worlds
    @given(principal_worlds())
    def test_what_is_held_back_is_what_the_account_may_do(self, description):
        world = build(description)
        for name, principal in world.principals.items():
            account = Principal(principal.account_id)
            for resource in world.world.resources:
                for permission in Permission:
                    decision = world.world.decide_for(principal, resource, permission.name or "")
                    whole = world.world.decide_for(account, resource, permission.name or "")
                    assert (decision.held_back_by is not None) == (whole.allowed and not decision.allowed), name

    @few_worlds
    @given(principal_worlds())
    def test_the_lists_of_members_agree_with_the_decision_row_by_row(self, description):
        world = build(description)
        for who in (f"{member}@{ORGANIZATION}" for member in MEMBERS):
            decided = {
                name
                for name in world.world.resources
                if (decision := world.decide(who, name, "READ", "ID")).allowed and decision.reason in LISTED_FOR
            }
            assert {world.world.name_of(row.id) for row in world.listed(who)} == decided, who

    @few_worlds
    @given(principal_worlds(), st.data())
    def test_taking_away_gives_no_principal_anything(self, description, data):
        world = build(description)
        before = {name: allowed(world, principal) for name, principal in world.principals.items()}
        take = data.draw(
            st.sampled_from(
                [
                    _narrow_role,
                    _remove_member,
                    _narrow_scope,
                    _take_permission,
                    _restrict_runs,
                    _end,
                    _revoke,
                    _limit_runs,
                ]
            )
        )
        take(world, data)
        for name, load in world.load.items():
            assert allowed(world, load()) <= before[name], (name, take.__name__)

    @few_worlds
    @given(principal_worlds())
    def test_a_run_that_a_member_started_may_do_no_more_than_the_member_but_for_what_belongs_to_it(self, description):
        world = build(description)
        for each in description["principals"]:
            if "run" not in each or "member" not in each:
                continue
            member = world.load.get(f"{each['member']}@{ORGANIZATION}", lambda: ANONYMOUS)()
            own = {each["run"], *(f"{each['run']}-{kind}" for kind in ("dataset", "keyValueStore", "requestQueue"))}
            may = {row for row in allowed(world, world.principals[each["name"]]) if row[0] not in own}
            assert may <= allowed(world, member), each["name"]


def _narrow_role(world: PrincipalWorld, data: Any) -> None:
    role = data.draw(st.sampled_from(list(OrganizationRole.objects.order_by("name"))))
    held = [(group, name) for group, names in role.permissions.items() for name in names]
    if held:
        group, name = data.draw(st.sampled_from(held))
        role.permissions[group].remove(name)
        role.save()


def _remove_member(world: PrincipalWorld, data: Any) -> None:
    who = data.draw(st.sampled_from(MEMBERS))
    Membership.objects.filter(person=world.world.accounts[who]).delete()


def _narrow_scope(world: PrincipalWorld, data: Any) -> None:
    token = _a_token(data)
    if token.scope and data.draw(st.booleans()):
        token.scope.pop(data.draw(st.integers(0, len(token.scope) - 1)))
    else:
        token.default_run_storages = False
    token.save()


def _take_permission(world: PrincipalWorld, data: Any) -> None:
    """Take one permission, CREATE among them, from an entry, as the owner does by the API and the pages."""
    token = _a_token(data)
    before = token_editing.settings_of(token)
    entries = [{**each, "permissions": [*each["permissions"]]} for each in token.scope or ()]
    if entries:
        entries[data.draw(st.integers(0, len(entries) - 1))]["permissions"].pop()
    kept = [each for each in entries if each["permissions"]]
    token_editing.update(token, replace(before, scope=kept), by=token.account.principal)


def _end(world: PrincipalWorld, data: Any) -> None:
    ApiToken.objects.filter(pk=_a_token(data).pk).update(expires_at=timezone.now())


def _restrict_runs(world: PrincipalWorld, data: Any) -> None:
    ApiToken.objects.filter(pk=_a_token(data).pk).update(actor_runs="RESTRICTED")


def _revoke(world: PrincipalWorld, data: Any) -> None:
    token = _a_token(data)
    tokens.revoke(token, by=token.account.principal)


def _limit_runs(world: PrincipalWorld, data: Any) -> None:
    """Limit a run, end what its Actor has made, and let its input name nothing; its token says so at its next start."""
    run = world.world.resources[data.draw(st.sampled_from(["run0", "run1"]))]
    Resource.objects.update(created_by_actor=None)
    Run.objects.filter(pk=run.pk).update(
        permission_level="LIMITED_PERMISSIONS", input_names={}, token_id=ApiToken.objects.get(run_id=run.pk).pk
    )
    make_run_token(Run.objects.get(pk=run.pk))


def _a_token(data: Any) -> ApiToken:
    return data.draw(st.sampled_from(list(ApiToken.objects.filter(run_id="").order_by("name"))))
