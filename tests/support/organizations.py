"""Organizations for tests: made, joined and acted for by the project's own functions."""

from accounts.models import Account, OrganizationRole
from accounts.organizations import editing, members
from accounts.organizations.acting import load_principal
from accounts.principal import Principal


def make_organization(owner: Account, username: str = "acme") -> Account:
    return editing.create(username, by=owner.principal)


def role_of(organization: Account, name: str) -> OrganizationRole:
    return OrganizationRole.objects.get(organization=organization, name=name)


def join(organization: Account, person: Account, role: str = "Developer") -> Principal:
    """Let a person become a member, and return them as they act for the organization."""
    owner = members.find_owner(organization)
    assert owner is not None
    by = acting(owner, organization)
    invitation = members.invite(organization, person, role_of(organization, role).pk, by=by)
    members.accept(person, invitation.pk)
    return acting(person, organization)


def acting(person: Account, organization: Account) -> Principal:
    found = load_principal(person, organization.pk)
    assert found is not None
    return found
