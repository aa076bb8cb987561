"""Deleting an organization with all that it owns, and what that is, to be shown before."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Count

from accounts.models import Account, ApiToken, Membership
from accounts.organizations import editing
from accounts.organizations.errors import OrganizationError
from accounts.principal import Principal
from resources.jobs.status import FINISHED
from resources.kinds import Kind
from resources.models import Build, Resource, Run, Webhook
from sharing.models import Grant


@dataclass(frozen=True, slots=True)
class OrganizationContents:
    """How much goes with an organization. `shared` is how many grants of its resources other accounts have."""

    resources: Mapping[Kind, int]
    members: int
    tokens: int
    webhooks: int
    shared: int
    running: int


def load_contents(organization: Account) -> OrganizationContents:
    """Count what an organization has."""
    counts = Resource.objects.filter(owner=organization).values("kind").annotate(number=Count("pk")).order_by("kind")
    numbers = {Kind(row["kind"]): row["number"] for row in counts}
    return OrganizationContents(
        resources={kind: numbers[kind] for kind in Kind if kind in numbers},
        members=Membership.objects.filter(organization=organization).count(),
        tokens=ApiToken.objects.filter(account=organization, run_id="", revoked_at=None).count(),
        webhooks=Webhook.objects.filter(owner=organization).count(),
        shared=Grant.objects.filter(resource__owner=organization).exclude(account=organization).count(),
        running=_count_running(organization),
    )


def delete(organization: Account, *, by: Principal) -> None:
    """Delete an organization with everything that it owns.

    Raises:
        NotPermitted: when `by` is not its Owner.
        OrganizationError: `organization-has-running-jobs` while runs or builds of it go on.
    """
    with transaction.atomic():
        editing.check_may_delete(organization, by=by)
        running = _count_running(organization)
        if running:
            raise OrganizationError(
                "organization-has-running-jobs",
                f"{running} of its runs and builds {'goes' if running == 1 else 'go'} on. Abort them first.",
            )
        # What is being written is waited for, and goes too.
        list(Resource.objects.select_for_update().filter(owner=organization).values_list("pk", flat=True))
        editing.delete(organization, by=by)


def _count_running(organization: Account) -> int:
    going_on = (model.objects.filter(owner=organization).exclude(status__in=FINISHED) for model in (Run, Build))
    return sum(found.count() for found in going_on)
