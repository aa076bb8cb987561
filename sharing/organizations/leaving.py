"""A member leaves an organization, or is removed: what ends with the membership, and what stays to be looked at."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from accounts.models import Account, ApiToken, AuditEvent, Membership
from accounts.organizations import members
from accounts.principal import Principal
from resources.audit import record
from resources.jobs.status import FINISHED
from resources.models import Run, Schedule
from sharing.models import Grant, SignedLink

_GIVES_TOKEN = ("token.created", "token.rotated")


@dataclass(frozen=True, slots=True)
class MemberTraces:
    """What a member has of an organization and made for it.

    `grants` are on what the organization owns, to the person by name, and stay; so do `organization_tokens`, which the
    member created and may know. `links` and `tokens` end with the membership, `schedules` are switched off, and `runs`
    go on with nothing but what belongs to them.
    """

    grants: Sequence[Grant]
    links: Sequence[SignedLink]
    tokens: Sequence[ApiToken]
    schedules: Sequence[Schedule]
    runs: Sequence[Run]
    organization_tokens: Sequence[ApiToken]


def load_traces(membership: Membership) -> MemberTraces:
    """Return what is to be looked at before a member leaves, in a number of statements that does not grow."""
    organization, person = membership.organization, membership.person
    given = AuditEvent.objects.filter(account_id=organization.pk, person_id=person.pk, action__in=_GIVES_TOKEN)
    of_organization = ApiToken.objects.filter(account=organization, member_id="", run_id="", revoked_at=None)
    runs = Run.objects.filter(owner=organization, starters__isnull=False).exclude(status__in=FINISHED)
    links = SignedLink.objects.filter(made_by_member=membership.link_key, revoked_at=None, refused_at=None)
    return MemberTraces(
        grants=list(
            Grant.objects.filter(resource__owner=organization, account=person, source=Grant.Source.DIRECT)
            .select_related("resource")
            .order_by("resource__kind", "resource__name", "pk")
        ),
        links=list(links.filter(expires_at__gt=timezone.now()).select_related("resource").order_by("-created_at")),
        tokens=list(members.tokens_of_member(organization, person.pk)),
        schedules=_schedules_of(organization, person.pk),
        runs=[run for run in runs.order_by("-created_at") if _is_started_by(run, person.pk)],
        organization_tokens=list(of_organization.filter(pk__in=given.values("subject_id")).order_by("created_at")),
    )


def end_membership(organization: Account, person_id: str, *, by: Principal) -> list[Schedule]:
    """End a membership, by the member or by another one, and return the schedules that were switched off.

    Raises:
        OrganizationError: as `accounts.organizations.members.end_membership`.
    """
    with transaction.atomic():
        members.end_membership(organization, person_id, by=by)
        schedules = _schedules_of(organization, person_id)
        for schedule in schedules:
            Schedule.objects.filter(pk=schedule.pk).update(is_enabled=False, next_at=None)
            record("schedule.switched_off", schedule, by)
    return schedules


def _schedules_of(organization: Account, person_id: str) -> list[Schedule]:
    """Return the schedules of an organization that act as a member and are enabled."""
    enabled = Schedule.objects.filter(owner=organization, is_enabled=True, starters__isnull=False)
    return [schedule for schedule in enabled.order_by("name") if _is_started_by(schedule, person_id)]


def _is_started_by(resource: Run | Schedule, person_id: str) -> bool:
    return any(started_by == person_id for _, started_by in resource.starters or ())
