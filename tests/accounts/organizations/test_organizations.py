"""Organizations: made, renamed, and that no user signs in as one."""

from dataclasses import replace

import pytest
from django.core import mail
from django.core.management import CommandError, call_command
from django.test import Client

from accounts import tokens
from accounts.models import Account, AuditEvent, Membership, OutgoingEmail
from accounts.organizations import editing
from accounts.organizations.errors import NotPermitted, OrganizationError
from accounts.organizations.permissions import GROUPS
from accounts.principal import ANONYMOUS, RunIdentity, Scope
from tests.support.organizations import acting, join, make_organization, role_of
from tests.support.page_claims import BACKEND

pytestmark = pytest.mark.django_db


@pytest.fixture
def acme(ada) -> Account:
    return make_organization(ada)


@pytest.mark.parametrize("username", ["", "a", "me", "ada", "ADA", "a b", "x" * 31, "abcdefghijklmnopq", "\x00ab"])
def test_usernames_that_an_organization_cannot_have(ada, username):
    with pytest.raises(editing.InvalidUsername):
        editing.create(username, by=ada.principal)
    assert list(Account.objects.all()) == [ada]


def test_an_organization_cannot_own_another(ada, acme):
    for by in (acting(ada, acme), acme.principal):
        with pytest.raises(OrganizationError) as refused:
            editing.create("sub", by=by)
        assert refused.value.type == "user-is-organization"


@pytest.mark.parametrize(
    ("narrowed", "why"),
    [({"scope": Scope(())}, "has a scope"), ({"run": RunIdentity("run", False, "")}, "is that of a run")],
    ids=["scope", "run"],
)
def test_a_scope_and_a_run_are_named_as_what_holds_back_a_change(ada, acme, narrowed, why):
    with pytest.raises(NotPermitted, match=why):
        editing.rename(acme, "other", by=replace(acting(ada, acme), **narrowed))


def test_a_person_owns_ten_at_most(ada):
    for number in range(editing.MOST_OWNED):
        make_organization(ada, f"acme{number}")
    with pytest.raises(OrganizationError) as refused:
        make_organization(ada, "one-more")
    assert refused.value.type == "too-many-organizations"
    assert not Account.objects.filter(username="one-more").exists()


def test_it_starts_with_four_roles_and_its_owner(ada, acme):
    membership = Membership.objects.get(organization=acme)
    assert (membership.person, membership.role.name, membership.role.is_owner) == (ada, "Owner", True)
    assert [role.name for role in acme.roles.order_by("created_at")] == [
        "Owner", "Administrator", "Developer", "Read only",
    ]  # fmt: skip
    assert role_of(acme, "Owner").permissions == {group: list(names) for group, names in GROUPS.items()}
    assert set(AuditEvent.objects.filter(action="organization.created").values_list("account_id", flat=True)) == {
        ada.pk, acme.pk,
    }  # fmt: skip


# An organization does not sign in


def test_no_password_is_right(acme):
    acme.set_password("correct horse battery")
    acme.save()
    assert not acme.check_password("correct horse battery")
    for login in (acme.username, acme.email):
        response = Client().post("/sign-in", {"login": login, "password": "correct horse battery"})
        assert response.status_code in (200, 422)
        assert b"do not match" in response.content


def test_a_session_of_an_organization_is_nobodys(acme):
    client = Client()
    client.force_login(acme, backend=BACKEND)
    response = client.get("/settings")
    assert response.status_code == 302
    assert "/sign-in" in response["Location"]


def test_no_password_is_reset(acme):
    for email in (acme.email, acme.email.upper()):
        Client().post("/reset-password", {"email": email})
    assert not any(acme.email in each.to for each in mail.outbox)
    assert not OutgoingEmail.objects.exists()


@pytest.mark.parametrize("command", ["reset_link", "verify_email", "reset_two_factor"])
def test_the_administrators_commands_about_signing_in(acme, command):
    for name in (acme.username, acme.pk):
        with pytest.raises(CommandError, match="does not sign in"):
            call_command(command, name)


def test_its_email_names_no_account_and_cannot_exist(acme):
    assert acme.email.endswith(".invalid")
    assert Account.objects.find(acme.email) is None
    assert Account.objects.named_at_sign_in(acme.username) is None
    assert Account.objects.find("ACME") == acme  # to be given access


# Renamed and deleted


def test_it_is_renamed_by_those_who_may(ada, ben, acme):
    member = join(acme, ben, "Developer")
    with pytest.raises(NotPermitted, match="UPDATE_PROFILE"):
        editing.rename(acme, "apex", by=member)
    for name in ("ben", "a b"):
        with pytest.raises(editing.InvalidUsername):
            editing.rename(acme, name, by=acting(ada, acme))
    assert editing.rename(acme, "apex", by=acting(ada, acme))
    assert not editing.rename(acme, "apex", by=acting(ada, acme))
    event = AuditEvent.objects.get(action="organization.renamed")
    assert (event.person_id, event.person_username, event.actor_id) == (ada.pk, "ada", acme.pk)
    assert (event.details["before"], event.details["after"]) == ("acme", "apex")


@pytest.mark.parametrize("who", ["stranger", "own account", "token", "member"])
def test_only_its_owner_deletes_it(ada, ben, cleo, acme, who):
    by = {
        "stranger": cleo.principal,
        "own account": ada.principal,
        "token": tokens.resolve(tokens.create(acme, "all", by=ANONYMOUS)[1]),
        "member": join(acme, ben, "Administrator"),
    }[who]
    with pytest.raises(NotPermitted):
        editing.check_may_delete(acme, by=by)
