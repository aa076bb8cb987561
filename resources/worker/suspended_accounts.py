"""Runs and builds of a suspended account do not begin, started or resurrected by any account."""

from accounts.models import Account
from resources.models import Build, Run


class OwnerSuspended(Exception):
    """The account that a run or build belongs to is suspended; the message says so."""


def check_owner(job: Run | Build) -> None:
    """Check that the owner of a run or build may have it run now.

    Raises:
        OwnerSuspended: when the account is suspended, or gone.
    """
    if not Account.objects.filter(pk=job.owner_id, is_active=True).exists():
        raise OwnerSuspended(f"The account that this {job.info.noun} belongs to is suspended.")
