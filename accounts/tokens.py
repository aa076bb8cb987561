"""API tokens: made, resolved, revoked. How they are changed and rotated is in `accounts/token_editing.py`.

A token is shown once, when it is made; the database keeps its SHA-256. A plain hash is enough, because a
token is 214 random bits and not a password that a user chose.

That of a run is derived from the server's secret, the run's ID and a counter instead, so that a run that is begun anew
by any worker has the same one. It holds as long as its digest is kept: one that has ended could be derived again, and
opens nothing. The counter is raised where another one must follow.
"""

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac

from accounts import audit, narrowings
from accounts.lib.counters import BufferedCounter
from accounts.lib.ids import ALPHABET
from accounts.lib.sql import Statement
from accounts.lib.timestamps import aware
from accounts.lib.user_agents import client_name
from accounts.models import Account, ActorRuns, ApiToken
from accounts.principal import Principal, RunIdentity

PREFIX = "latchkey_api_"
RANDOM_CHARACTERS = 36
HINT_CHARACTERS = 4
# How long before a token ends its owner is written to.
WARNING = timedelta(days=3)
_RUN_SALT = "accounts.tokens.run"

# Hot: every API call with a token starts here. One look into the unique index of digests, one into the accounts. As an
# expression the time has no declared type, so that Django's converter does not read it before we do.
_COLUMNS = f"""
    t.id, t.name, t.scope, t.default_run_storages, t.actor_runs, COALESCE(t.expires_at, NULL),
    a.id, a.username, a.email,
    t.run_id, t.run_is_of_other_account, t.started_by_token, t.run_details,
    {narrowings.STARTERS}, t.member_id, {narrowings.MEMBER}"""
_RESOLVE = Statement(f"""
SELECT {_COLUMNS}
FROM accounts_apitoken t JOIN accounts_account a ON a.id = t.account_id
WHERE t.digest = %s AND t.revoked_at IS NULL AND a.is_active
""")
# Asked only where no token has the text now: it may be the one that a token had before it was rotated.
_RESOLVE_FORMER = Statement(f"""
SELECT {_COLUMNS}, COALESCE(f.ends_at, NULL)
FROM accounts_formertokentext f
JOIN accounts_apitoken t ON t.id = f.token_id
JOIN accounts_account a ON a.id = t.account_id
WHERE f.digest = %s AND t.revoked_at IS NULL AND a.is_active
""")


class UnknownToken(Exception):
    """The token is unknown, expired or revoked; callers must not reveal which."""


def create(
    account: Account,
    name: str,
    *,
    by: Principal,
    description: str = "",
    scope: list[dict[str, Any]] | None = None,
    default_run_storages: bool = False,
    actor_runs: str = ActorRuns.RESTRICTED,
    expires_at: datetime | None = None,
    member_id: str = "",
) -> tuple[ApiToken, str]:
    """Make a token for `account` and return it with its text, which cannot be had again.

    `scope`, `default_run_storages` and `actor_runs` are what it may be used for, see `accounts.principal.Scope`. With a
    `member_id` it is that member's token of an organization.
    """
    text = new_text()
    with transaction.atomic():
        token = ApiToken.objects.create(
            account=account,
            name=name,
            description=description,
            digest=digest_of(text),
            hint=text[-HINT_CHARACTERS:],
            scope=scope,
            default_run_storages=default_run_storages,
            actor_runs=actor_runs,
            expires_at=expires_at,
            warned_of=warned_of(expires_at),
            member_id=member_id,
        )
        audit.record(
            "token.created",
            by=by,
            account_id=account.pk,
            subject_kind="apiToken",
            subject_id=token.pk,
            name=name,
            scope=scope,
            defaultRunStorages=default_run_storages,
            actorRuns=actor_runs,
            expiresAt=expires_at.isoformat() if expires_at else None,
        )
    return token, text


def create_for_run(
    account_id: str, run: RunIdentity, scope: list[dict[str, Any]] | None = None, counter: int = 0
) -> tuple[ApiToken, str]:
    """Make the token by which a run speaks for an account, and return it with its text.

    `counter` must be one by which none was made for this run before. No user chose to make it, and it ends by itself
    (`end_for_run`), so it leaves no line in the audit trail.
    """
    text = _text_for_run(run.id, counter, settings.SECRET_KEY)
    token = ApiToken.objects.create(
        account_id=account_id,
        name=f"Run {run.id}",
        digest=digest_of(text),
        hint=text[-HINT_CHARACTERS:],
        scope=scope,
        run_id=run.id,
        run_is_of_other_account=run.is_of_other_account,
        started_by_token=run.started_by_token_id,
        run_details=narrowings.write_run(run),
    )
    return token, text


def renew_for_run(
    token_id: str, run: RunIdentity, scope: list[dict[str, Any]] | None = None, counter: int = 0
) -> str | None:
    """Return the text of the token that a run has, which speaks for it as it is now.

    None when the run has none, or it has ended, or its text is another than this counter and any secret that the server
    knows would give.
    """
    digest = ApiToken.objects.filter(pk=token_id, run_id=run.id, revoked_at=None).values_list("digest", flat=True)
    kept = digest.first()
    text = None if kept is None else _find_text(run.id, counter, bytes(kept), _secrets())
    if text is not None:
        ApiToken.objects.filter(pk=token_id).update(
            scope=scope,
            run_is_of_other_account=run.is_of_other_account,
            started_by_token=run.started_by_token_id,
            run_details=narrowings.write_run(run),
        )
    return text


def change_run(token_id: str, run: RunIdentity) -> None:
    """Let the token of a run speak for the run as it is now, with the same text."""
    ApiToken.objects.filter(pk=token_id, run_id=run.id).update(
        run_is_of_other_account=run.is_of_other_account, run_details=narrowings.write_run(run)
    )


def is_derived(run_id: str, counter: int, digest: bytes, by_secrets: Sequence[str]) -> bool:
    """Tell whether the token of a run, of which this is the digest, was derived from one of these secrets."""
    return _find_text(run_id, counter, digest, by_secrets) is not None


def end_for_run(token_id: str) -> None:
    """End the token of a run for good; the very next request with it is refused.

    It goes altogether: there are as many of them as runs, and no one looks one up again.
    """
    ApiToken.objects.filter(pk=token_id).exclude(run_id="").delete()


def revoke(token: ApiToken, *, by: Principal) -> None:
    """End a token for good; the very next request with it is refused."""
    with transaction.atomic():
        ended = ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=timezone.now())
        if ended:
            audit.record(
                "token.revoked",
                by=by,
                account_id=token.account_id,
                subject_kind="apiToken",
                subject_id=token.pk,
                name=token.name,
            )


def end_all(account: Account, *, by: Principal) -> int:
    """End all API tokens of an account, those of its runs too, and return how many there were.

    A run that is at work goes on, and its next request with its token is refused.
    """
    with transaction.atomic():
        of_users = list(ApiToken.objects.select_for_update().filter(account=account, run_id="", revoked_at=None))
        for token in of_users:
            revoke(token, by=by)
        of_runs = ApiToken.objects.filter(account=account).exclude(run_id="").delete()[0]
    return len(of_users) + of_runs


def resolve(text: str, *, user_agent: str = "", now: datetime | None = None) -> Principal:
    """Return the principal that a token speaks for, at the cost of one indexed statement.

    The text from before a rotation costs a second one, as does one that is unknown. `user_agent` is the header of the
    request, by which the token's page names the program that used it last.

    Raises:
        UnknownToken: when the token is unknown, expired or revoked, its account is not active, or its member has left.
    """
    digest, now = digest_of(text), now or timezone.now()
    row = _RESOLVE.row([digest]) or _find_former(digest, now)
    if row is None:
        raise UnknownToken
    token_id, name, scope, default_run_storages, actor_runs, expires_at, account_id, username, email = row[:9]
    run_id, is_of_other_account, started_by, details, starters, member_id, member = row[9:16]
    if expires_at is not None and aware(expires_at) <= now:
        raise UnknownToken
    _user_agents[token_id] = user_agent
    last_use.add(token_id)
    if run_id:
        run = narrowings.read_run(run_id, bool(is_of_other_account), started_by, details, starters, username)
        if run is None:
            raise UnknownToken
        # No token can be asked for the scope that a run keeps itself: all that it starts has to keep it, too.
        kept_scope = narrowings.read_scope(scope, "", "", default_run_storages, actor_runs)
        return Principal(account_id, username, email, token_id, kept_scope, run)
    own_scope = narrowings.read_scope(scope, token_id, name, default_run_storages, actor_runs)
    if member_id:
        if member is None:
            raise UnknownToken
        person, role = narrowings.read_member(member, username)
        return Principal(account_id, username, email, token_id, own_scope, None, member_id, person, role)
    return Principal(account_id, username, email, token_id, own_scope)


def warned_of(expires_at: datetime | None, before: datetime | None = None) -> datetime | None:
    """Return the end that a token's owner counts as warned of: also one that was chosen so near that it is known."""
    return expires_at if expires_at is not None and expires_at <= timezone.now() + WARNING else before


def new_text() -> str:
    """Return the text of a new token."""
    return PREFIX + "".join(secrets.choice(ALPHABET) for _ in range(RANDOM_CHARACTERS))


def _secrets() -> tuple[str, ...]:
    return tuple(map(str, (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)))


def _find_text(run_id: str, counter: int, digest: bytes, by_secrets: Sequence[str]) -> str | None:
    texts = (_text_for_run(run_id, counter, secret) for secret in by_secrets)
    return next((text for text in texts if digest_of(text) == digest), None)


def _text_for_run(run_id: str, counter: int, secret: str) -> str:
    derived = salted_hmac(_RUN_SALT, f"{run_id}.{counter}", secret=secret, algorithm="sha256").digest()
    number, characters = int.from_bytes(derived), []
    for _ in range(RANDOM_CHARACTERS):
        number, at = divmod(number, len(ALPHABET))
        characters.append(ALPHABET[at])
    return PREFIX + "".join(characters)


def digest_of(text: str) -> bytes:
    """Return what is kept of the text of a token: 32 bytes."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def _find_former(digest: bytes, now: datetime) -> Any:
    row = _RESOLVE_FORMER.row([digest])
    return row if row is not None and aware(row[-1]) > now else None


def _save_last_use(counts: dict[str, int], at: datetime) -> None:
    by_client: dict[str, list[str]] = {}
    for token_id in counts:
        by_client.setdefault(client_name(_user_agents.pop(token_id, "")), []).append(token_id)
    for client, token_ids in by_client.items():
        ApiToken.objects.filter(pk__in=token_ids).update(last_used_at=at, last_used_by=client)


# The header of the last request with each token since its use was last saved; a name is made of it only then.
_user_agents: dict[str, str] = {}
last_use = BufferedCounter(_save_last_use)
