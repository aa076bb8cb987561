"""API tokens that are changed and rotated. What one may be used for is felt at the next request, by its runs too."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from accounts import audit
from accounts.models import ActorRuns, ApiToken, FormerTokenText
from accounts.principal import Principal, Scope
from accounts.tokens import HINT_CHARACTERS, digest_of, new_text, warned_of

# How long the text from before a rotation works, unless it ends at once.
GRACE = timedelta(hours=24)


class TokenGone(LookupError):
    """The token is revoked, or is not there."""


class LastFullToken(ValueError):
    """A token would take the whole account from the last token that has it, and so from itself."""


class EndsTooLate(ValueError):
    """A token that ends would make or change one that ends later."""


@dataclass(frozen=True, slots=True)
class TokenSettings:
    """All of a token that can be changed. A `scope` of None is everything; see `accounts.principal.Scope`."""

    name: str
    description: str = ""
    scope: list[dict[str, Any]] | None = None
    default_run_storages: bool = False
    actor_runs: str = ActorRuns.RESTRICTED
    expires_at: datetime | None = None

    def to_json(self) -> dict[str, Any]:
        """Return them as the audit trail keeps them."""
        return {
            "name": self.name,
            "description": self.description,
            "scope": self.scope,
            "defaultRunStorages": self.default_run_storages,
            "actorRuns": self.actor_runs,
            "expiresAt": self.expires_at.isoformat() if self.expires_at else None,
        }


def settings_of(token: ApiToken) -> TokenSettings:
    """Return what of a token can be changed, as it is now."""
    return TokenSettings(
        token.name,
        token.description,
        token.scope,
        token.default_run_storages,
        token.actor_runs,
        token.expires_at,
    )


def update(token: ApiToken, wanted: TokenSettings, *, by: Principal) -> None:
    """Change a token, which is brought up to date; saving what is there already leaves no line in the trail.

    Where WRITE or BUILD on an Actor is taken from it, its runs have its scope from now on, until FULL is chosen anew:
    the code that it wrote before would shed the scope otherwise, in runs that go on and in later ones.

    Raises:
        TokenGone: when it was revoked in the meantime.
        LastFullToken: when `by` acts with a token, and no token would have the whole account.
        EndsTooLate: when `by` acts with a token that ends before this one does or would.
    """
    with transaction.atomic():
        locked = _locked(token)
        before = settings_of(locked)
        wanted = _with_runs_held(before, wanted)
        if before != wanted:
            check_end(before.expires_at, by)
            check_end(wanted.expires_at, by)
            _check_one_stays_full(locked, wanted, by)
            for name in TokenSettings.__dataclass_fields__:
                setattr(locked, name, getattr(wanted, name))
            locked.warned_of = warned_of(locked.expires_at, locked.warned_of)
            locked.save(update_fields=[*TokenSettings.__dataclass_fields__, "warned_of"])
            was, is_ = before.to_json(), wanted.to_json()
            changed = [name for name in was if was[name] != is_[name]]
            _record(
                "token.changed",
                locked,
                by,
                before={name: was[name] for name in changed},
                after={name: is_[name] for name in changed},
            )
    for name in TokenSettings.__dataclass_fields__:
        setattr(token, name, getattr(wanted, name))


def rotate(token: ApiToken, *, by: Principal, at_once: bool, now: datetime | None = None) -> str:
    """Give a token another text, and return it; it cannot be had again. What the token has created stays in its scope.

    The text of before works for GRACE more, or with `at_once` not any more; texts of earlier rotations keep their
    ends, or end at once too.

    Raises:
        TokenGone: when it was revoked in the meantime.
        EndsTooLate: when `by` acts with a token that ends before this one does.
    """
    text, now = new_text(), now or timezone.now()
    with transaction.atomic():
        locked = _locked(token)
        check_end(locked.expires_at, by)
        former = FormerTokenText.objects.filter(token=locked)
        (former if at_once else former.filter(ends_at__lte=now)).delete()
        if not at_once:
            FormerTokenText.objects.create(
                token=locked, digest=bytes(locked.digest), hint=locked.hint, ends_at=now + GRACE
            )
        locked.digest, locked.hint = digest_of(text), text[-HINT_CHARACTERS:]
        locked.save(update_fields=["digest", "hint"])
        _record("token.rotated", locked, by, formerTextEndsAt=None if at_once else (now + GRACE).isoformat())
    token.digest, token.hint = locked.digest, locked.hint
    return text


def end_former_texts(token: ApiToken, *, by: Principal) -> bool:
    """End the texts that a token had before rotations at once; return whether there were any."""
    with transaction.atomic():
        ended = FormerTokenText.objects.filter(token=token, ends_at__gt=timezone.now()).delete()[0]
        if ended:
            _record("token.former_texts_ended", token, by)
    return bool(ended)


def check_end(expires_at: datetime | None, by: Principal) -> None:
    """Check that a principal may have to do with a token that ends at `expires_at`, None for never.

    A token that ends could outlive itself otherwise.

    Raises:
        EndsTooLate: when it acts with a token that ends before.
    """
    own = ApiToken.objects.filter(pk=by.token_id).values_list("expires_at", flat=True).first() if by.token_id else None
    if own is not None and (expires_at is None or expires_at > own):
        raise EndsTooLate("The token that does this ends before the one that it is about.")


def _with_runs_held(before: TokenSettings, wanted: TokenSettings) -> TokenSettings:
    if before.scope is None or wanted.scope is None or before.actor_runs != wanted.actor_runs:
        return wanted
    now = Scope.from_json(wanted.scope)
    is_taken = any(
        entry.kind == "actor" and name in entry.permissions and not now.allows(name, "actor", entry.resource_id)
        for entry in Scope.from_json(before.scope).entries
        for name in ("WRITE", "BUILD")
    )
    return replace(wanted, actor_runs=ActorRuns.RESTRICTED.value) if is_taken else wanted


def _locked(token: ApiToken) -> ApiToken:
    locked = ApiToken.objects.select_for_update().filter(pk=token.pk, revoked_at=None, run_id="").first()
    if locked is None:
        raise TokenGone(token.pk)
    return locked


def _check_one_stays_full(token: ApiToken, wanted: TokenSettings, by: Principal) -> None:
    """Check that a token leaves one that has the whole account; in the console the owner can make another."""
    if not by.token_id or token.scope is not None or wanted.scope is None:
        return
    others = ApiToken.objects.filter(account_id=token.account_id, run_id="", member_id="", revoked_at=None)
    others = others.filter(scope__isnull=True)
    if not others.filter(Q(expires_at=None) | Q(expires_at__gt=timezone.now())).exclude(pk=token.pk).exists():
        raise LastFullToken("This is the last token without a scope.")


def _record(action: str, token: ApiToken, by: Principal, **details: Any) -> None:
    audit.record(
        action,
        by=by,
        account_id=token.account_id,
        subject_kind="apiToken",
        subject_id=token.pk,
        name=token.name,
        **details,
    )
