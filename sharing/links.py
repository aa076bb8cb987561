"""Links: pre-signed URLs that were made in the console, and whether any signature opens what it is shown for.

Links that clients sign by themselves are known only by their signature. Those made in the console are registered
besides: who made it, for what, until when, when last used and how often; each can be revoked alone, and it dies
with its maker's access. The cap that an account sets on the life of links is checked at use, so it holds for both.
"""

import hashlib
from datetime import UTC, datetime, timedelta

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from accounts import audit
from accounts.models import Account
from accounts.principal import Principal
from accounts.tally import Tally
from resources.models import Resource
from sharing.access import Facts, decide
from sharing.facts import facts_of
from sharing.models import SignedLink
from sharing.permissions import Permission
from sharing.signatures import (
    Opens,
    Signed,
    check_content,
    check_record,
    sign_content,
    sign_record_until,
    signing_key,
)

_DAY = 24 * 60 * 60 * 1000
MAX_CAP = 3650


class LinkRefused(ValueError):
    """A link that cannot be made; the message says why."""


def create(
    resource: Resource,
    opens: Opens,
    lifetime: timedelta,
    *,
    by: Account,
    record_key: str = "",
    description: str = "",
) -> tuple[SignedLink, str]:
    """Make and register a link to the content of a storage, or to one record of it.

    Returns the link and its signature, which cannot be had again.

    Raises:
        LinkRefused: when the lifetime is not positive or longer than the owner of the storage allows.
    """
    cap = resource.owner.link_days
    if lifetime <= timedelta(0):
        raise LinkRefused("A link needs some time to live.")
    if cap is not None and lifetime > timedelta(days=cap):
        raise LinkRefused(f"Links to what {resource.owner.username} owns can last {cap} days at most.")
    with transaction.atomic():
        expires_at = _free_moment(resource, opens, record_key, _milliseconds(timezone.now() + lifetime))
        signature, digest = _sign(resource, opens, record_key, expires_at)
        link = SignedLink.objects.create(
            resource=resource,
            opens=opens.value,
            record_key=record_key,
            description=description,
            digest=digest,
            made_by=by,
            expires_at=datetime.fromtimestamp(expires_at / 1000, tz=UTC),
        )
        _record("link.created", link, by.principal)
    return link, signature


def revoke(link: SignedLink, *, by: Principal) -> None:
    """End one link; the very next request with it is refused."""
    with transaction.atomic():
        if SignedLink.objects.filter(pk=link.pk, revoked_at=None).update(revoked_at=timezone.now()):
            _record("link.revoked", link, by)


def revoke_all(resource: Resource, *, by: Principal) -> None:
    """Turn the key of a storage: every signature that was ever made with it ends, registered or not."""
    with transaction.atomic():
        Resource.objects.filter(pk=resource.pk).update(link_counter=F("link_counter") + 1)
        SignedLink.objects.filter(resource=resource, revoked_at=None).update(revoked_at=timezone.now())
        audit.record(
            "link.all_revoked",
            by=by,
            account_id=resource.owner_id,
            subject_kind=resource.kind,
            subject_id=resource.pk,
            name=resource.name,
        )


def set_cap(account: Account, days: int | None, *, by: Principal) -> bool:
    """Set how many days links to what an account owns can last (None: for ever); return whether that changed anything.

    It is checked at use, so it also ends the links that there are and that last longer.

    Raises:
        ValueError: when it is not a number of days that makes sense.
    """
    if days is not None and not 1 <= days <= MAX_CAP:
        raise ValueError(f"Enter a number of days from 1 to {MAX_CAP:,}.")
    with transaction.atomic():
        before = Account.objects.select_for_update().get(pk=account.pk).link_days
        if before == days:
            return False
        Account.objects.filter(pk=account.pk).update(link_days=days)
        audit.record("account.link_days.changed", by=by, account_id=account.pk, before=before, after=days)
    account.link_days = days
    return True


def opened_by(signature: str, facts: Facts, opens: Opens, record_key: str = "") -> Signed | None:
    """Return what a signature says if it opens this content or record now, else None.

    It must be one of the storage's key, not have ended, keep within the owner's cap, and where it is registered not be
    revoked and its maker still be able to read the storage.
    """
    now = _milliseconds(timezone.now())
    key = signing_key(facts.id, facts.link_counter)
    if opens is Opens.RECORD:
        signed = check_record(signature, key, facts.id, record_key, now)
    else:
        signed = check_content(signature, key, facts.id, now)
    if signed is None or _outlives_cap(signed, facts.owner_link_days, now):
        return None
    link = SignedLink.objects.select_related("made_by", "resource").filter(digest=_digest(facts.id, record_key, signed))
    registered = link.first()
    if registered is None:
        return signed
    if registered.revoked_at is not None or not _maker_may_read(registered):
        return None
    uses.add(registered.pk)
    return signed


def _outlives_cap(signed: Signed, cap_days: int | None, now: int) -> bool:
    if cap_days is None:
        return False
    return signed.expires_at == 0 or signed.expires_at - now > cap_days * _DAY


def _maker_may_read(link: SignedLink) -> bool:
    maker = link.made_by
    if maker is None or not maker.is_active:
        return False
    facts = facts_of(link.resource, maker.pk)
    return decide(maker.principal, facts, Permission.READ).allowed


def _sign(resource: Resource, opens: Opens, record_key: str, expires_at: int) -> tuple[str, bytes]:
    key = signing_key(resource.pk, resource.link_counter)
    if opens is Opens.RECORD:
        signature = sign_record_until(key, resource.pk, record_key, expires_at)
        signed = check_record(signature, key, resource.pk, record_key, 0)
    else:
        signature = sign_content(key, resource.pk, expires_at)
        signed = check_content(signature, key, resource.pk, 0)
    if signed is None:
        raise LinkRefused("This record cannot be linked to.")
    return signature, _digest(resource.pk, record_key, signed)


def _free_moment(resource: Resource, opens: Opens, record_key: str, expires_at: int) -> int:
    """Return a moment, `expires_at` or a little later, at which no other link ends: each has its own signature."""
    while SignedLink.objects.filter(digest=_sign(resource, opens, record_key, expires_at)[1]).exists():
        expires_at += 1
    return expires_at


def _digest(resource_id: str, record_key: str, signed: Signed) -> bytes:
    named = "\0".join((resource_id, signed.opens.value, record_key, signed.text))
    return hashlib.sha256(named.encode("utf-8", "surrogatepass")).digest()


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def _record(action: str, link: SignedLink, by: Principal) -> None:
    audit.record(
        action,
        by=by,
        account_id=link.resource.owner_id,
        subject_kind=link.resource.kind,
        subject_id=link.resource_id,
        name=link.resource.name,
        link={
            "id": link.pk,
            "opens": link.opens,
            "recordKey": link.record_key,
            "expiresAt": link.expires_at.isoformat(),
        },
    )


def _save_uses(counts: dict[str, int], at: datetime) -> None:
    for link_id, count in counts.items():
        SignedLink.objects.filter(pk=link_id).update(use_count=F("use_count") + count, last_used_at=at)


uses = Tally(_save_uses)
