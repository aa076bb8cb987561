"""The roles of an organization, and that nobody gets further by them than they are."""

import pytest

from accounts.models import Account, AuditEvent
from accounts.organizations import members, roles
from accounts.organizations.errors import NotPermitted, RoleNotFound
from accounts.organizations.permissions import GROUPS, check_permissions
from tests.support.organizations import acting, join, make_organization, role_of

pytestmark = pytest.mark.django_db
EVERYTHING = {group: list(names) for group, names in GROUPS.items()}
MANAGES = {"account": ["MANAGE_ORGANIZATION"], "storages": ["READ"]}


@pytest.fixture
def acme(ada) -> Account:
    return make_organization(ada)


@pytest.fixture
def boss(ada, acme):
    return acting(ada, acme)


@pytest.fixture
def manager(acme, boss, ben):
    """Ben, who manages the organization and may read storages, and no more."""
    roles.add(acme, "Manager", MANAGES, by=boss)
    return join(acme, ben, "Manager")


def test_no_role_is_raised_beyond_ones_own(acme, manager):
    developer, reader = role_of(acme, "Developer"), role_of(acme, "Read only")
    refused = [
        lambda: roles.add(acme, "Mine", EVERYTHING, by=manager),
        lambda: roles.add(acme, "Mine", {"storages": ["WRITE"]}, by=manager),
        lambda: roles.add(acme, "Mine", {"account": ["MANAGE_ACCESS_TOKENS"]}, by=manager),
        lambda: roles.edit(acme, {reader.pk: EVERYTHING}, by=manager),
        lambda: roles.edit(acme, {developer.pk: {}}, by=manager),  # it allows more than theirs
        lambda: roles.edit(acme, {}, {developer.pk: "Dev"}, by=manager),
        lambda: roles.remove(acme, developer.pk, by=manager),
    ]
    before = [(role.name, role.permissions) for role in roles.list_roles(acme)]
    for change in refused:
        with pytest.raises(NotPermitted, match="more than your own role"):
            change()
    assert [(role.name, role.permissions) for role in roles.list_roles(acme)] == before


def test_nobody_changes_their_own_role(acme, boss, manager):
    mine = role_of(acme, "Manager")
    for wanted in ({}, MANAGES | {"storages": []}, EVERYTHING):
        with pytest.raises(NotPermitted, match="your own role"):
            roles.edit(acme, {mine.pk: wanted}, by=manager)
    with pytest.raises(NotPermitted):
        roles.edit(acme, {role_of(acme, "Owner").pk: {}}, by=boss)


def test_an_edit_is_all_or_nothing(acme, boss):
    reader, developer = role_of(acme, "Read only"), role_of(acme, "Developer")
    with pytest.raises(roles.InvalidRole):
        roles.edit(acme, {reader.pk: {}, developer.pk: {"actors": ["FLY"]}}, by=boss)
    with pytest.raises(RoleNotFound):
        roles.edit(acme, {reader.pk: {}, "nothing": {}}, by=boss)
    assert role_of(acme, "Read only").permissions == reader.permissions
    changed = roles.edit(acme, {reader.pk: {}, developer.pk: developer.permissions}, by=boss)
    assert [role.name for role in changed] == ["Read only"]
    event = AuditEvent.objects.get(action="role.changed")
    assert event.details["before"]["permissions"] == reader.permissions
    assert event.details["after"]["permissions"] == check_permissions({})


def test_a_role_is_felt_at_once(acme, boss, ben):
    join(acme, ben, "Developer")
    roles.edit(acme, {role_of(acme, "Developer").pk: {"storages": ["READ"]}}, by=boss)
    role = acting(ben, acme).role
    assert role is not None
    assert (role.actors, role.storages) == (frozenset(), frozenset({"READ"}))


def test_a_role_that_members_have_stays(acme, boss, ben, cleo):
    join(acme, ben, "Developer")
    with pytest.raises(roles.InvalidRole, match="Members have"):
        roles.remove(acme, role_of(acme, "Developer").pk, by=boss)
    invitation = members.invite(acme, cleo, role_of(acme, "Read only").pk, by=boss)
    roles.remove(acme, role_of(acme, "Read only").pk, by=boss)
    with pytest.raises(members.InvitationGone):
        members.accept(cleo, invitation.pk)


@pytest.mark.parametrize("name", ["", "  ", "x" * 41, "Owner", "developer", "a\x00b"])
def test_names_that_a_role_cannot_have(acme, boss, name):
    with pytest.raises(roles.InvalidRole):
        roles.add(acme, name, by=boss)


def test_roles_of_another_organization_are_none_here(acme, boss, cleo):
    other = role_of(make_organization(cleo, "other"), "Read only")
    for change in (lambda: roles.remove(acme, other.pk, by=boss), lambda: roles.edit(acme, {other.pk: {}}, by=boss)):
        with pytest.raises(RoleNotFound):
            change()


def test_writing_implies_reading():
    assert check_permissions({"tasks": ["WRITE"], "account": ["UPDATE_PROFILE"]}) == {
        "actors": [], "tasks": ["READ", "WRITE"], "storages": [], "schedules": [], "account": ["UPDATE_PROFILE"],
    }  # fmt: skip
