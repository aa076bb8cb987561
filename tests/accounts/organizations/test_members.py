"""Members: invited, accepted, given another role, removed; and the role of the Owner, handed over."""

import pytest
from django.db import connection

from accounts import tokens
from accounts.models import Account, AuditEvent, Membership, OrganizationInvitation
from accounts.organizations import members, roles
from accounts.organizations.acting import load_principal
from accounts.organizations.errors import InvitationGone, NotMember, NotPermitted, OrganizationError, RoleNotFound
from tests.support.organizations import acting, join, make_organization, role_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def acme(ada) -> Account:
    return make_organization(ada)


@pytest.fixture
def boss(ada, acme):
    return acting(ada, acme)


def id_of(acme, name: str) -> str:
    return role_of(acme, name).pk


def role_name(acme, person) -> str:
    return Membership.objects.get(organization=acme, person=person).role.name


def test_who_may_not_invite(acme, ada, ben, cleo, dan):
    developer = join(acme, ben, "Developer")
    for by in (developer, ada.principal, cleo.principal):
        with pytest.raises(NotPermitted):
            members.invite(acme, dan, id_of(acme, "Read only"), by=by)
    assert not OrganizationInvitation.objects.exists()


def test_who_cannot_be_invited(acme, boss, ben, cleo):
    join(acme, ben)
    other = make_organization(cleo, "other")
    for account, type_ in ((ben, "user-is-already-organization-member"), (other, "user-is-organization")):
        with pytest.raises(OrganizationError) as refused:
            members.invite(acme, account, id_of(acme, "Developer"), by=boss)
        assert refused.value.type == type_
    with pytest.raises(RoleNotFound):
        members.invite(acme, cleo, id_of(other, "Developer"), by=boss)
    with pytest.raises(NotPermitted):
        members.invite(acme, cleo, id_of(acme, "Owner"), by=boss)


def test_no_role_beyond_ones_own_is_given(acme, boss, ben, cleo, dan):
    roles.add(acme, "Manager", {"account": ["MANAGE_ORGANIZATION"]}, by=boss)
    manager = join(acme, ben, "Manager")
    join(acme, dan, "Developer")
    for change in (
        lambda: members.invite(acme, cleo, id_of(acme, "Read only"), by=manager),
        lambda: members.change_role(acme, dan.pk, id_of(acme, "Manager"), by=manager),
        lambda: members.change_role(acme, dan.pk, id_of(acme, "Administrator"), by=manager),
        lambda: members.end_membership(acme, dan.pk, by=manager),
        lambda: members.change_role(acme, ben.pk, id_of(acme, "Administrator"), by=manager),
    ):
        with pytest.raises(NotPermitted):
            change()
    assert (role_name(acme, dan), role_name(acme, ben)) == ("Developer", "Manager")


def test_nobody_changes_their_own_role(acme, ada, boss, ben):
    administrator = join(acme, ben, "Administrator")
    with pytest.raises(NotPermitted, match="your own role"):
        members.change_role(acme, ben.pk, id_of(acme, "Developer"), by=administrator)
    for by in (administrator, boss):
        for change in (
            lambda by=by: members.change_role(acme, ada.pk, id_of(acme, "Developer"), by=by),
            lambda by=by: members.end_membership(acme, ada.pk, by=by),
        ):
            with pytest.raises(OrganizationError) as refused:
                change()
            assert refused.value.type == "user-is-organization-owner"


def test_an_invitation_is_for_one_person_and_once(acme, boss, ben, cleo):
    invitation = members.invite(acme, ben, id_of(acme, "Developer"), by=boss)
    assert load_principal(ben, acme.pk) is None
    for act in (members.accept, members.decline):
        with pytest.raises(members.InvitationGone):
            act(cleo, invitation.pk)
    members.accept(ben, invitation.pk)
    with pytest.raises(members.InvitationGone):
        members.accept(ben, invitation.pk)
    assert role_name(acme, ben) == "Developer"
    assert [event.actor_username for event in AuditEvent.objects.filter(action="member.joined")] == ["ben"]


def test_invitations_are_declined_and_taken_back(acme, boss, ben):
    first = members.invite(acme, ben, id_of(acme, "Developer"), by=boss)
    second = members.invite(acme, ben, id_of(acme, "Read only"), by=boss)
    with pytest.raises(members.InvitationGone):
        members.accept(ben, first.pk)  # a later one took its place
    members.decline(ben, second.pk)
    third = members.invite(acme, ben, id_of(acme, "Read only"), by=boss)
    members.revoke_invitation(acme, third.pk, by=boss)
    with pytest.raises(members.InvitationGone):
        members.accept(ben, third.pk)
    assert load_principal(ben, acme.pk) is None


def _end_it(acme, boss, ben) -> None:
    members.end_membership(acme, ben.pk, by=boss)


def _make_developer(acme, boss, ben) -> None:
    members.change_role(acme, ben.pk, id_of(acme, "Developer"), by=boss)


def _narrow_the_role(acme, boss, ben) -> None:
    roles.edit(acme, {id_of(acme, "Administrator"): {"account": ["MANAGE_ORGANIZATION"]}}, by=boss)


@pytest.mark.parametrize("change", [_end_it, _make_developer, _narrow_the_role])
def test_an_invitation_is_worth_no_more_than_its_inviter_is_now(acme, boss, ben, cleo, change):
    invitation = members.invite(acme, cleo, id_of(acme, "Read only"), by=join(acme, ben, "Administrator"))
    change(acme, boss, ben)
    with pytest.raises(NotPermitted, match="'Read only' in acme any more"):
        members.accept(cleo, invitation.pk)
    assert load_principal(cleo, acme.pk) is None


def test_a_role_that_grew_after_the_invitation_is_not_given_beyond_the_inviters(acme, boss, ben, cleo):
    roles.add(acme, "Manager", {"account": ["MANAGE_ORGANIZATION"]}, by=boss)
    helper = roles.add(acme, "Helper", {}, by=boss)
    invitation = members.invite(acme, cleo, helper.pk, by=join(acme, ben, "Manager"))
    roles.edit(acme, {helper.pk: {"storages": ["WRITE"]}}, by=boss)
    with pytest.raises(NotPermitted):
        members.accept(cleo, invitation.pk)
    assert load_principal(cleo, acme.pk) is None


def test_what_an_inviter_could_give_still_is_accepted(acme, ben, cleo, dan):
    for person, by in ((cleo, join(acme, ben, "Administrator")), (dan, acme.principal)):
        members.accept(person, members.invite(acme, person, id_of(acme, "Read only"), by=by).pk)
        assert role_name(acme, person) == "Read only"


def test_no_id_that_cannot_be_is_looked_up(acme, boss, ben, cleo):
    """PostgreSQL has no NUL in a text: with it in a statement, there is no answer but an error."""
    join(acme, ben)
    for refused, change in (
        (RoleNotFound, lambda: members.invite(acme, cleo, "\x00", by=boss)),
        (RoleNotFound, lambda: members.change_role(acme, ben.pk, "\x00", by=boss)),
        (RoleNotFound, lambda: members.offer_ownership(acme, ben.pk, "\x00", by=boss)),
        (RoleNotFound, lambda: roles.edit(acme, {"\x00": {}}, by=boss)),
        (RoleNotFound, lambda: roles.remove(acme, "\x00", by=boss)),
        (NotMember, lambda: members.change_role(acme, "\x00", id_of(acme, "Read only"), by=boss)),
        (NotMember, lambda: members.offer_ownership(acme, "\x00", id_of(acme, "Read only"), by=boss)),
        (InvitationGone, lambda: members.revoke_invitation(acme, "\x00", by=boss)),
        (InvitationGone, lambda: members.accept(cleo, "\x00")),
        (InvitationGone, lambda: members.decline(cleo, "\x00")),
    ):
        with connection.execute_wrapper(_refuse_nul), pytest.raises(refused):
            change()


def _refuse_nul(execute, sql, params, many, context):
    assert "\x00" not in (params or ()), sql
    return execute(sql, params, many, context)


def test_an_invitation_beyond_the_own_role_is_not_taken_back(acme, boss, ben, cleo):
    narrow = roles.add(acme, "Members", {"account": ["MANAGE_ORGANIZATION"]}, by=boss)
    join(acme, ben, "Read only")
    members.change_role(acme, ben.pk, narrow.pk, by=boss)
    invitation = members.invite(acme, cleo, id_of(acme, "Developer"), by=boss)
    with pytest.raises(NotPermitted, match="allows more than your own role"):
        members.revoke_invitation(acme, invitation.pk, by=acting(ben, acme))
    assert OrganizationInvitation.objects.get() == invitation


def test_access_ends_with_the_membership_and_so_do_tokens(acme, boss, ben):
    member = join(acme, ben, "Developer")
    _, text = tokens.create(acme, "mine", by=member, member_id=ben.pk)
    assert tokens.resolve(text).person_id == ben.pk
    members.end_membership(acme, ben.pk, by=boss)
    with pytest.raises(tokens.UnknownToken):
        tokens.resolve(text)
    assert load_principal(ben, acme.pk) is None
    with pytest.raises(NotPermitted):  # with a principal from before
        members.invite(acme, ben, id_of(acme, "Developer"), by=member)
    with pytest.raises(NotMember):
        members.end_membership(acme, ben.pk, by=boss)


def test_a_member_leaves_and_the_owner_does_not(acme, ada, boss, ben):
    member = join(acme, ben, "Read only")
    members.end_membership(acme, ben.pk, by=member)
    assert [event.person_id for event in AuditEvent.objects.filter(action="member.left")] == [ben.pk]
    with pytest.raises(OrganizationError) as refused:
        members.end_membership(acme, ada.pk, by=boss)
    assert refused.value.type == "user-is-organization-owner"


# The role of the Owner


def test_only_the_owner_hands_over(acme, ada, ben, cleo):
    administrator = join(acme, ben, "Administrator")
    for by in (administrator, ben.principal, acme.principal):
        with pytest.raises(NotPermitted):
            members.offer_ownership(acme, ben.pk, id_of(acme, "Developer"), by=by)
    for wrong in (cleo, ada):
        with pytest.raises(OrganizationError):
            members.offer_ownership(acme, wrong.pk, id_of(acme, "Developer"), by=acting(ada, acme))


def test_the_role_is_handed_over_once_it_is_accepted(acme, ada, boss, ben):
    administrator = join(acme, ben, "Administrator")
    offer = members.offer_ownership(acme, ben.pk, id_of(acme, "Developer"), by=boss)
    assert (role_name(acme, ada), role_name(acme, ben)) == ("Owner", "Administrator")
    with pytest.raises(NotPermitted):
        members.revoke_invitation(acme, offer.pk, by=administrator)
    members.accept(ben, offer.pk)
    assert (role_name(acme, ada), role_name(acme, ben)) == ("Developer", "Owner")
    assert Membership.objects.filter(organization=acme, role__is_owner=True).count() == 1
    members.end_membership(acme, ada.pk, by=acting(ada, acme))


def test_an_offer_ends_with_the_membership(acme, boss, ben):
    join(acme, ben, "Administrator")
    offer = members.offer_ownership(acme, ben.pk, id_of(acme, "Developer"), by=boss)
    with pytest.raises(roles.InvalidRole):
        roles.remove(acme, id_of(acme, "Developer"), by=boss)
    members.end_membership(acme, ben.pk, by=boss)
    with pytest.raises(members.InvitationGone):
        members.accept(ben, offer.pk)
