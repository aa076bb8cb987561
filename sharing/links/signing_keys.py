"""The URL signing keys of storages: who is given one, and whose keys a signature is checked against.

Each holder of WRITE has a key of its own (sharing/signatures.py). The server remembers which holders it gave theirs,
so that it knows which keys to try; those who do not hold WRITE any more are left out, at every check. Each key is tried
under the one secret that it was given under, so that a signature costs MOST attempts at most.
"""

from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.utils import timezone

from accounts import audit, narrowings
from accounts.holders import Holder
from accounts.lib.counters import BufferedCounter
from accounts.lib.sql import Statement
from accounts.lib.timestamps import aware
from accounts.models import Account, ApiToken
from accounts.principal import ANONYMOUS, Principal
from resources.models import Resource
from sharing import token_limits
from sharing.access import Access, Facts, decide
from sharing.grant_ends import bound_moment, counts_sql
from sharing.models import EndedOldKey, RefusedSignature, StorageKey
from sharing.permissions import NOTHING, Permission
from sharing.signatures import (
    KeySource,
    current_fingerprint,
    fingerprints,
    holder_keys,
    keys_from_before_holders,
    secrets,
    signing_key,
)

MOST = 64
FRESH = timedelta(minutes=10)

# All that it takes to judge the holders of a storage's keys, and whether the owner still has the key from before there
# were holders. There is always a row: where no key was given, its holder is NULL.
_HOLDERS = Statement(f"""
SELECT k.account_id, k.token_id, COALESCE(k.used_at, NULL), k.secret, a.is_active,
    t.id IS NOT NULL AND t.revoked_at IS NULL, COALESCE(t.expires_at, NULL), g.permissions,
    t.scope, t.id, t.name, t.default_run_storages, t.actor_runs, t.member_id, {narrowings.MEMBER},
    p.id, p.username, m.name, CAST(m.permissions AS text), k.id,
    o.is_active AND o.link_counter = 0 AND r.created_at <= o.old_link_keys_until AND e.resource_id IS NULL
FROM resources_resource r
JOIN accounts_account o ON o.id = r.owner_id
LEFT JOIN sharing_endedoldkey e ON e.resource_id = r.id
LEFT JOIN sharing_storagekey k ON k.resource_id = r.id
LEFT JOIN accounts_account a ON a.id = k.account_id
LEFT JOIN accounts_apitoken t ON t.id = k.token_id
LEFT JOIN accounts_membership h ON h.link_key = k.token_id AND h.organization_id = k.account_id
LEFT JOIN accounts_organizationrole m ON m.id = h.role_id
LEFT JOIN accounts_account p ON p.id = h.person_id AND p.is_active
LEFT JOIN sharing_grant g ON g.resource_id = r.id AND g.account_id = k.account_id AND g.source = 'DIRECT'
    AND {counts_sql()}
WHERE r.id = %s ORDER BY k.used_at DESC, k.id DESC LIMIT %s
""")  # the one thing put in is a condition of ours


@dataclass(frozen=True, slots=True)
class KeyHolding:
    """A holder that was given the key of a storage and still holds WRITE, and when it last got or used the key.

    `secret` is the fingerprint of the secret that the key is derived from.
    """

    holder: Holder
    used_at: datetime
    secret: str


@dataclass(frozen=True, slots=True)
class GivenKeys:
    """Which holders were given the key of a storage, as rows of `_HOLDERS`, at most MOST with the old keys.

    `old` is how many places are for the owner's key from before there was one for each holder: one for each of the
    server's secrets, none where that key has ended.
    """

    rows: list[tuple[Any, ...]]
    old: int


def key_source(facts: Facts) -> KeySource:
    """Return what the keys of a storage are derived from."""
    return KeySource(facts.id, facts.link_counter, facts.owner_link_counter)


def may_sign(access: Access) -> bool:
    """Tell whether a principal gets the key of a storage: with WRITE, and not in a run that might keep it.

    A run of another account's Actor, or with limited permissions, gets the keys of its own default storages and of what
    its Actor created, for the author of its code could keep any other.
    """
    return not is_beyond_run(access) and access.allows(Permission.WRITE)


def is_beyond_run(access: Access) -> bool:
    """Tell whether a run that may do less than its account speaks, about a storage that is not its own.

    Its own are its default storages, and what its Actor created for the same account.
    """
    principal, facts = access.principal, access.facts
    run = principal.run
    if run is None or not token_limits.is_restrained_run(principal):
        return False
    is_default = facts.run is not None and facts.run.id == run.id
    is_created = bool(facts.created_by_actor) and facts.created_by_actor == run.actor_id
    return not is_default and not (is_created and facts.owner_id == principal.account_id)


def give_key(access: Access) -> str | None:
    """Return the key that the principal signs with, 64 hex digits, and remember that it was given; None for no right.

    It writes only where the holder is new; that it was given again is counted, once in some minutes, outside the
    request.
    """
    facts, holder = access.facts, Holder.of(access.principal)
    if holder is None or not may_sign(access):
        return None
    given_at = facts.key_given_at
    if given_at is None:
        given_at = _given_at(facts.id, holder) or _remember(facts, holder)
        if given_at is None:
            return None
    _count_use(facts.id, KeyHolding(holder, given_at, current_fingerprint()))
    return signing_key(key_source(facts), holder.code)


def load_given_keys(facts: Facts) -> GivenKeys:
    """Return which holders were given a key of a storage that can still be derived, in one statement."""
    found, known = _remembered(facts, MOST), set(fingerprints())
    return GivenKeys([row for row in found.rows if row[3] in known][: MOST - found.old], found.old)


def candidates(facts: Facts, found: GivenKeys) -> list[str]:
    """Return the keys that a client's signature may have been made with, at most MOST."""
    source = key_source(facts)
    keys = holder_keys(source, [(_holder(row).code, row[3]) for row in found.rows])
    return keys + keys_from_before_holders(source)[: found.old]


def still_opens(facts: Facts, found: GivenKeys, at: int) -> bool:
    """Tell whether the holder of one of the candidates, by its place, still holds WRITE, and note that it was used.

    So it makes room for others later than a holder whose links are not opened.
    """
    if at >= len(found.rows):
        return True  # the old key, which the statement has judged
    row = found.rows[at]
    if not _holds_write(facts, row):
        return False
    _count_use(facts.id, _given(row))
    return True


def load_holdings(facts: Facts) -> tuple[list[KeyHolding], bool]:
    """Return who was given the key of a storage and still holds WRITE, and whether the owner's old key holds too.

    Each holder comes once, by the key that was used last.
    """
    found = load_given_keys(facts)
    writing = [_given(row) for row in reversed(found.rows) if _holds_write(facts, row)]
    last = {each.holder: each for each in writing}
    return sorted(last.values(), key=attrgetter("used_at"), reverse=True), found.old > 0


def change_all(resource_id: str) -> None:
    """End all keys of a storage. What was refused needs no record any more: nothing signed with them opens.

    Raises:
        TransactionManagementError: outside a transaction.
    """
    Resource.objects.select_for_update().filter(pk=resource_id).update(link_counter=F("link_counter") + 1)
    StorageKey.objects.filter(resource_id=resource_id).delete()
    RefusedSignature.objects.filter(resource_id=resource_id).delete()
    EndedOldKey.objects.bulk_create([EndedOldKey(resource_id=resource_id)], ignore_conflicts=True)


def _remembered(facts: Facts, most: int) -> GivenKeys:
    rows = _HOLDERS.rows([bound_moment(), facts.id, most])
    old = min(len(secrets()), MOST) if rows and rows[0][-1] else 0
    return GivenKeys([row for row in rows if row[0] is not None], old)


def _holder(row: tuple[Any, ...]) -> Holder:
    return Holder(row[0], "", row[1]) if row[15] else Holder(row[0], row[1])


def _given(row: tuple[Any, ...]) -> KeyHolding:
    return KeyHolding(_holder(row), aware(row[2]), row[3])


def _holds_write(facts: Facts, row: tuple[Any, ...]) -> bool:
    """Ask the decision with the holder's grant in place of that of the principal for whom the facts were fetched.

    Nothing else gives WRITE on a storage but owning it, so what the facts say others were given on its run is left out.
    """
    account_id, token_id, _, _, is_active, is_token, expires_at, granted = row[:8]
    person_id, person, role_name, role = row[15:19]
    if not is_active or (token_id and not is_token and not person_id):
        return False
    if expires_at is not None and aware(expires_at) <= timezone.now():
        return False
    member_id, member = row[13:15]
    if person_id:
        principal = Principal(account_id, person_id=person_id, person_username=person)
        principal = replace(principal, role=narrowings.read_role(role, role_name, ""))
    else:
        principal = Principal(account_id, token_id=token_id or None, scope=narrowings.read_scope(*row[8:13]))
    if member_id:
        principal = replace(principal, person_id=member_id, role=narrowings.read_member(member, "")[1])
    run = facts.run and replace(facts.run, granted=NOTHING, attached_to_issue=False, actor=None, task=None)
    seen = replace(facts, granted=Permission(granted or 0), attached_to_issue=False, run=run)
    return decide(principal, seen, Permission.WRITE).allowed


def _given_at(resource_id: str, holder: Holder) -> datetime | None:
    found = StorageKey.objects.filter(
        resource_id=resource_id, account_id=holder.account_id, token_id=holder.key, secret=current_fingerprint()
    )
    return found.values_list("used_at", flat=True).first()


def _remember(facts: Facts, holder: Holder) -> datetime | None:
    """Note that a holder has its key, and let others make room; None where the storage is gone."""
    now = timezone.now()
    row = StorageKey(
        resource_id=facts.id,
        account_id=holder.account_id,
        token_id=holder.key,
        secret=current_fingerprint(),
        given_at=now,
        used_at=now,
    )
    try:
        with transaction.atomic():
            StorageKey.objects.bulk_create([row], ignore_conflicts=True)
            if StorageKey.objects.filter(resource_id=facts.id).count() + len(secrets()) > MOST:
                _make_room(facts)
    except IntegrityError:
        return None
    return now


def _make_room(facts: Facts) -> None:
    """Drop the keys that are too many; the owner is told of a holder that still holds WRITE, whose links end so.

    First go the keys that open nothing. Then goes the least recently used key of the account that has the most, so that
    no account ends the links of others by having many tokens. The owner keeps one at least.
    """
    found, known = _remembered(facts, 2 * MOST), set(fingerprints())
    standing = [row for row in found.rows if row[3] in known and _holds_write(facts, row)]
    ended = [row for row in found.rows if row not in standing]
    too_many = len(found.rows) - (MOST - found.old)
    dropped = ended[::-1][: max(too_many, 0)]
    for _ in range(too_many - len(dropped)):
        least = _least_needed(standing, facts.owner_id)
        if least is None:
            break
        standing.remove(least)
        dropped.append(least)
        _record_forgotten(facts, _holder(least))
    StorageKey.objects.filter(pk__in=[row[-2] for row in dropped]).delete()


def _least_needed(rows: list[tuple[Any, ...]], owner_id: str) -> tuple[Any, ...] | None:
    """Return the last of `rows`, which are the most recently used first, among those of the account with the most."""
    counts = Counter(row[0] for row in rows)
    if counts[owner_id] == 1:
        del counts[owner_id]
    most = max(counts.values(), default=0)
    return next((row for row in reversed(rows) if counts[row[0]] == most > 0), None)


def _record_forgotten(facts: Facts, holder: Holder) -> None:
    """Say in the owner's trail that a holder's links ended although it still holds WRITE."""
    username = Account.objects.filter(pk=holder.account_id).values_list("username", flat=True).first()
    token = ApiToken.objects.filter(pk=holder.token_id).values_list("name", flat=True).first()
    audit.record(
        "link.key_forgotten",
        by=ANONYMOUS,
        account_id=facts.owner_id,
        subject_kind=facts.kind,
        subject_id=facts.id,
        name=facts.name,
        holder={"username": username, "token": token},
    )


def _count_use(resource_id: str, holding: KeyHolding) -> None:
    if timezone.now() - holding.used_at > FRESH:
        uses.add(f"{resource_id}.{holding.holder.account_id}.{holding.holder.key}.{holding.secret}")


def _save_uses(counts: dict[str, int], at: datetime) -> None:
    for text in sorted(counts):
        resource_id, account_id, token_id, secret = text.split(".")
        this = Q(resource_id=resource_id, account_id=account_id, token_id=token_id, secret=secret)
        StorageKey.objects.filter(this).update(used_at=at)


uses = BufferedCounter(_save_uses)
