"""What has become of the registered links to a storage, and who else can sign: what pages show.

It agrees with `sharing/links/check_signature.py`, which decides at a request, in a number of statements that does not
grow.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from django.utils import timezone

from accounts import holders
from accounts.holders import Holder
from accounts.lib.timestamps import milliseconds
from accounts.models import Account, ApiToken
from resources.models import Resource
from sharing.access import Facts
from sharing.links import link_limits, signing_keys
from sharing.models import SignedLink
from sharing.narrowings.held_back import held_back_by
from sharing.overview import overview
from sharing.permissions import Permission


class LinkState(StrEnum):
    """Whether a registered link opens something, and if not, why."""

    ACTIVE = "ACTIVE"
    REVOKED = "REVOKED"
    EXPIRED = "EXPIRED"
    BEYOND_CAP = "BEYOND_CAP"
    WITHOUT_ACCESS = "WITHOUT_ACCESS"


@dataclass(frozen=True, slots=True)
class KeyHolder:
    """An account that can sign links to a storage by itself, or with a `token_name` that token of it.

    `used_at` is when the key was last given to it or opened something. `is_old` marks the key that the owner has from
    before each holder had one of its own; for that, `used_at` is None.
    """

    username: str
    token_name: str
    used_at: datetime | None
    is_old: bool = False


def load_states(found: Iterable[SignedLink], resource: Resource, facts: Facts) -> list[LinkState]:
    """Return the state of each of these links to `resource`, whose makers are fetched, in two statements or none."""
    shown = list(found)
    others = any(link.made_by_id != facts.owner_id for link in shown)
    readers = _explicit_readers(facts) if others else {facts.owner_id}
    return [_state(link, facts, readers) for link in shown]


def active(resource: Resource, facts: Facts) -> list[SignedLink]:
    """Return the registered links that open something of `resource` now, newest first."""
    standing = SignedLink.objects.filter(
        resource_id=facts.id, revoked_at=None, refused_at=None, expires_at__gt=timezone.now()
    )
    found = list(standing.select_related("made_by").order_by("-created_at", "-pk"))
    states = load_states(found, resource, facts)
    return [link for link, state in zip(found, states, strict=True) if state is LinkState.ACTIVE]


def load_key_holders(facts: Facts) -> list[KeyHolder]:
    """Return who was given a signing key of a storage and can still sign with it, in three statements."""
    found, has_old = signing_keys.load_holdings(facts)
    usernames = dict(
        Account.objects.filter(pk__in={each.holder.account_id for each in found}).values_list("pk", "username")
    )
    names = dict(ApiToken.objects.filter(pk__in={each.holder.token_id for each in found}).values_list("pk", "name"))
    holders = [
        KeyHolder(usernames.get(each.holder.account_id, ""), names.get(each.holder.token_id, ""), each.used_at)
        for each in found
    ]
    return [*holders, KeyHolder(facts.owner_username, "", None, is_old=True)] if has_old else holders


def _explicit_readers(facts: Facts) -> set[str]:
    """Return the accounts that may READ by one of the rules 1 to 8."""
    found = overview(facts)
    account_ids = {right.account_id for right in found.items}
    elsewhere = {row.account_id for row in found.elsewhere if row.account_id}
    return {found.owner_id} | account_ids | elsewhere


def _state(link: SignedLink, facts: Facts, readers: set[str]) -> LinkState:
    if link.revoked_at is not None:
        return LinkState.REVOKED
    if link.expires_at <= timezone.now():
        return LinkState.EXPIRED
    if link.refused_at is not None or link_limits.is_beyond(milliseconds(link.expires_at), facts, made_here=True):
        return LinkState.BEYOND_CAP
    maker = link.made_by
    if maker is None or not maker.is_active or maker.pk not in readers or not _member_reads(link, facts):
        return LinkState.WITHOUT_ACCESS
    return LinkState.ACTIVE


def _member_reads(link: SignedLink, facts: Facts) -> bool:
    """Tell whether the role of the member who made a link lets them read; true for one that no member made.

    It costs a statement for each link of a member, as it does when such a link is opened.
    """
    if not link.made_by_member:
        return True
    member = holders.load_principal(Holder(link.made_by_id or "", "", link.made_by_member).code)
    return member is not None and held_back_by(member, Permission.READ, facts) is None
