"""Links: pre-signed URLs that the server makes for a user, and which of them are registered.

Who may make one is asked here. Links in the answers of the API are on no list: they name their holder. Those made in
the console are registered besides: who made it, for what, until when, when last used and how often; each can be revoked
alone. Whether a link opens something is asked in `sharing/links/check_signature.py`, and how long it lives in
`sharing/links/link_limits.py`.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from accounts import audit
from accounts.holders import Holder
from accounts.lib.counters import BufferedCounter
from accounts.lib.timestamps import milliseconds
from accounts.models import Account
from accounts.principal import Principal
from resources.models import GeneralAccess, Resource
from resources.records.keys import collides_with_signature
from sharing.access import EXPLICIT, Access, AddressedBy, effective_general_access
from sharing.facts import load_facts
from sharing.links import signing_keys
from sharing.models import SignedLink
from sharing.permissions import Permission
from sharing.signatures import DEFAULT_LIFETIME, HeldSigner, SignedContent, canonical_text, digest


class LinkRefused(ValueError):
    """A link that cannot be made; the message says why."""


class LinkRefusal(StrEnum):
    """Why a principal can make no link to a storage.

    It may not read it; it reads it only because anyone may, and so has nothing to hand on; it may only read it, it is
    Restricted and its owner does not let such users make links; or it is a run of another account's Actor.
    """

    NO_ACCESS = "NO_ACCESS"
    ANYONE_MAY_READ = "ANYONE_MAY_READ"
    ONLY_READS_RESTRICTED = "ONLY_READS_RESTRICTED"
    OTHERS_RUN = "OTHERS_RUN"


_SENTENCES = {
    LinkRefusal.NO_ACCESS: "You cannot read this.",
    LinkRefusal.ANYONE_MAY_READ: "You read this only because anyone may, so you have no access to hand on.",
    LinkRefusal.ONLY_READS_RESTRICTED: (
        "You may only read this. It is Restricted, and its owner does not let readers make links."
    ),
    LinkRefusal.OTHERS_RUN: (
        "A run of another account's Actor, or with limited permissions, can make links only to its own storages and to "
        "those that its Actor created."
    ),
}


def link_refusal(access: Access) -> LinkRefusal | None:
    """Return why the principal can make no link to a storage; None: it can."""
    decision = access.decide(Permission.READ)
    if not decision.allowed:
        return LinkRefusal.NO_ACCESS
    if decision.reason not in EXPLICIT:
        return LinkRefusal.ANYONE_MAY_READ
    if signing_keys.is_beyond_run(access):
        return LinkRefusal.OTHERS_RUN
    if access.allows(Permission.WRITE) or access.allows(Permission.MANAGE_ACCESS_RIGHTS):
        return None
    facts = access.facts
    is_open = effective_general_access(facts) != GeneralAccess.RESTRICTED
    return None if is_open or facts.owner_readers_make_links else LinkRefusal.ONLY_READS_RESTRICTED


def signer(access: Access, opens: SignedContent) -> Callable[[str], str] | None:
    """Return what signs the content of a storage, or its records by their keys, for the principal; None: no right.

    What it signs ends after 14 days, or at the owner's cap if that is sooner.
    """
    holder = Holder.of(access.principal)
    if holder is None or link_refusal(access) is not None:
        return None
    made = HeldSigner(signing_keys.key_source(access.facts), holder.code)
    expires_at = _expires_at(access.facts.owner_link_days)
    return lambda record_key: made.sign(opens, expires_at, record_key)


def create(
    resource: Resource,
    opens: SignedContent,
    lifetime: timedelta,
    *,
    by: Principal,
    record_key: str = "",
    description: str = "",
) -> tuple[SignedLink, str]:
    """Make and register a link to the content of a storage, or to one record of it.

    Returns the link and its signature, which cannot be had again.

    Raises:
        LinkRefused: when the account can make no link, or the lifetime is not positive or longer than the owner allows.
        LookupError: when the storage is gone.
    """
    facts = load_facts(resource, by.account_id)
    refused = link_refusal(Access(by, resource, facts, AddressedBy.ID))
    if refused is not None:
        raise LinkRefused(_SENTENCES[refused])
    cap = facts.owner_link_days
    if opens is SignedContent.RECORD and collides_with_signature(record_key, resource.pk):
        raise LinkRefused("This record cannot be linked to.")
    if lifetime <= timedelta(0):
        raise LinkRefused("A link needs some time to live.")
    if cap is not None and lifetime > timedelta(days=cap):
        raise LinkRefused(f"Links to what {facts.owner_username} owns can last {cap} days at most.")
    holder = Holder(by.account_id or "", "", by.member_key)
    made = HeldSigner(signing_keys.key_source(facts), holder.code)
    with transaction.atomic():
        expires_at = milliseconds(timezone.now() + lifetime)
        signature, kept = _sign(made, resource, opens, record_key, expires_at)
        while SignedLink.objects.filter(digest=kept).exists():  # each link has its own signature, so its own end
            expires_at += 1
            signature, kept = _sign(made, resource, opens, record_key, expires_at)
        link = SignedLink.objects.create(
            resource=resource,
            opens=opens.value,
            record_key=record_key,
            description=description,
            digest=kept,
            made_by_id=by.account_id,
            made_by_member=by.member_key or None,
            expires_at=datetime.fromtimestamp(expires_at / 1000, tz=UTC),
        )
        _record("link.created", link, by)
    return link, signature


def revoke(link: SignedLink, *, by: Principal) -> None:
    """End one link; the very next request with it is refused."""
    with transaction.atomic():
        if SignedLink.objects.filter(pk=link.pk, revoked_at=None).update(revoked_at=timezone.now()):
            _record("link.revoked", link, by)


def revoke_all(resource: Resource, *, by: Principal) -> None:
    """Change the keys of a storage: every signature that was ever made with any of them ends, registered or not."""
    with transaction.atomic():
        signing_keys.change_all(resource.pk)
        SignedLink.objects.filter(resource=resource, revoked_at=None).update(revoked_at=timezone.now())
        audit.record(
            "link.all_revoked",
            by=by,
            account_id=resource.owner_id,
            subject_kind=resource.kind,
            subject_id=resource.pk,
            name=resource.name,
        )


def set_reader_links(account: Account, allowed: bool, *, by: Principal) -> bool:
    """Let users who may only read what an account owns make links to it where it is Restricted, or not.

    Links that they have made already go on while their makers may read. Returns whether that changed anything.
    """
    with transaction.atomic():
        before = Account.objects.select_for_update().get(pk=account.pk).readers_make_links
        if before == allowed:
            return False
        Account.objects.filter(pk=account.pk).update(readers_make_links=allowed)
        audit.record("account.readers_make_links.changed", by=by, account_id=account.pk, before=before, after=allowed)
    account.readers_make_links = allowed
    return True


def _expires_at(cap: int | None) -> int:
    lifetime = DEFAULT_LIFETIME if cap is None else min(DEFAULT_LIFETIME, timedelta(days=cap))
    return milliseconds(timezone.now() + lifetime)


def _sign(
    made: HeldSigner, resource: Resource, opens: SignedContent, record_key: str, expires_at: int
) -> tuple[str, bytes]:
    signature = made.sign(opens, expires_at, record_key)
    return signature, digest(resource.pk, record_key, opens, canonical_text(signature))


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


uses = BufferedCounter(_save_uses)
