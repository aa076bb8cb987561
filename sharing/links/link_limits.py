"""The cap that an account sets on the life of links to what it owns.

A signature opens nothing while it has more than the cap left to live. One that was refused for this stays refused, also
when less is left of it later: the link's row says so, or for a signature on no list, a row with its digest. A storage
keeps at most MOST_REFUSALS of the latter. Only who holds a key can sign enough to need more; then the storage's counter
is raised instead, which ends all that clients have signed for it, the refused ones included.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from accounts import audit
from accounts.lib.timestamps import milliseconds
from accounts.models import Account
from accounts.principal import ANONYMOUS, Principal
from resources.kinds import STORAGES
from resources.models import Resource
from sharing.access import Facts
from sharing.links import signing_keys
from sharing.models import RefusedSignature, SignedLink, StorageKey
from sharing.signatures import ValidSignature

MAX_CAP = 3650
MOST_REFUSALS = 256
_DAY = 24 * 60 * 60 * 1000
_CLOCKS_DIFFER = 60 * 1000


@dataclass(frozen=True, slots=True)
class Effect:
    """What setting or lowering a cap does: so many registered links end and go on, and so many keys end.

    `keys` are signing keys that accounts and tokens were given, with which clients sign by themselves; what they have
    signed is on no list. `storages` is how many storages these keys belong to, `old` how many have a key from before
    each holder had one, which its owner may have.
    """

    ending: int
    continuing: int
    keys: int
    storages: int
    old: int

    @property
    def ends_something(self) -> bool:
        """Whether any link can end by it."""
        return bool(self.ending or self.keys or self.old)


def now() -> int:
    """Return the time in milliseconds since 1970."""
    return milliseconds(timezone.now())


def is_beyond(expires_at: int, facts: Facts, *, made_here: bool = False) -> bool:
    """Tell whether a signature that ends then (0: never) has more than the owner's cap left to live.

    For one that was `made_here` the clocks of two machines may differ a little: it lives as long as the cap allows.
    """
    left = None if expires_at == 0 else expires_at - now()
    return not lets_live(left, facts.owner_link_days, made_here=made_here)


def lets_live(left: int | None, days: int | None, *, made_here: bool = False) -> bool:
    """Tell whether a cap of so many days (None: there is none) lets a link live that has so many milliseconds left.

    None is left of the life of a permanent link. For `made_here` see `is_beyond`.
    """
    if days is None:
        return True
    return left is not None and left <= days * _DAY + (_CLOCKS_DIFFER if made_here else 0)


def is_lowered(account: Account, days: int | None) -> bool:
    """Tell whether setting this cap ends links: it is the first, or lower than the one there is."""
    return days is not None and (account.link_days is None or days < account.link_days)


def predict_effect(account: Account, days: int) -> Effect:
    """Return what setting or lowering the cap to so many days would end, now."""
    standing = active_links(account)
    ending = standing.filter(_outliving(days)).count()
    keys = StorageKey.objects.filter(resource__owner=account)
    until = account.old_link_keys_until if account.link_counter == 0 else None
    from_before = Resource.objects.filter(owner=account, kind__in=STORAGES, old_key_ended=None)
    return Effect(
        ending=ending,
        continuing=standing.count() - ending,
        keys=keys.count(),
        storages=keys.values("resource_id").distinct().count(),
        old=from_before.filter(created_at__lte=until).count() if until else 0,
    )


def set_cap(account: Account, days: int | None, *, by: Principal) -> bool:
    """Set how many days links to what an account owns can last (None: for ever); return whether that changed anything.

    Setting or lowering it raises the account's counter: what clients have signed ends, and so do links of the server
    that are on no list. Registered links that keep within it go on; the others are refused from now on.

    Raises:
        ValueError: when it is not a number of days that makes sense.
    """
    if days is not None and not 1 <= days <= MAX_CAP:
        raise ValueError(f"Enter a number of days from 1 to {MAX_CAP:,}.")
    with transaction.atomic():
        locked = Account.objects.select_for_update().get(pk=account.pk)
        before = locked.link_days
        if before == days:
            return False
        if days is not None and is_lowered(locked, days):
            active_links(account).filter(_outliving(days)).update(refused_at=timezone.now())
            _end_keys(account)
        Account.objects.filter(pk=account.pk).update(link_days=days)
        audit.record("account.link_days.changed", by=by, account_id=account.pk, before=before, after=days)
    account.refresh_from_db(fields=["link_days", "link_counter"])
    return True


def refuse(digest: bytes, signed: ValidSignature, facts: Facts) -> None:
    """Let a signature on no list stay refused, also under a higher cap."""
    with transaction.atomic():
        if not Resource.objects.select_for_update().filter(pk=facts.id).exists():
            return
        refused = RefusedSignature.objects.filter(resource_id=facts.id)
        if refused.count() >= MOST_REFUSALS:
            refused.filter(expires_at__lte=timezone.now()).delete()
        if refused.count() >= MOST_REFUSALS:
            _turn_key(facts)
            return
        RefusedSignature.objects.get_or_create(
            digest=digest, defaults={"resource_id": facts.id, "expires_at": _moment(signed.expires_at)}
        )


def refuse_link(link_id: str) -> None:
    """Let a registered link stay refused, also under a higher cap."""
    SignedLink.objects.filter(pk=link_id, refused_at=None).update(refused_at=timezone.now())


def _turn_key(facts: Facts) -> None:
    """End all that clients have signed for a storage, because more was refused than is kept."""
    signing_keys.change_all(facts.id)
    audit.record(
        "link.keys_changed",
        by=ANONYMOUS,
        account_id=facts.owner_id,
        subject_kind=facts.kind,
        subject_id=facts.id,
        name=facts.name,
        refused=MOST_REFUSALS,
    )


def _end_keys(account: Account) -> None:
    Account.objects.filter(pk=account.pk).update(link_counter=F("link_counter") + 1)
    StorageKey.objects.filter(resource__owner=account).delete()
    # What was signed with those keys opens nothing any more, so nothing needs to be known of it.
    RefusedSignature.objects.filter(resource__owner=account).delete()


def active_links(account: Account) -> QuerySet[SignedLink]:
    """Return the registered links to what an account owns that were not revoked or refused and have not ended."""
    return SignedLink.objects.filter(
        resource__owner=account, revoked_at=None, refused_at=None, expires_at__gt=timezone.now()
    )


def _outliving(days: int) -> Q:
    return Q(expires_at__gt=timezone.now() + timedelta(days=days))


def _moment(expires_at: int) -> datetime | None:
    """Return when a signature ends; None where that is never, or beyond what a database can say."""
    try:
        return datetime.fromtimestamp(expires_at / 1000, tz=UTC) if expires_at else None
    except (OverflowError, ValueError):
        return None
