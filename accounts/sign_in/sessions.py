"""The browser sessions of an account: seen, listed, ended."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from allauth.account.adapter import get_adapter
from allauth.usersessions.models import UserSession
from django.contrib.auth import HASH_SESSION_KEY, logout
from django.contrib.sessions.models import Session
from django.core.cache import caches
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from accounts import audit
from accounts.lib.user_agents import browser_name
from accounts.models import Account
from accounts.principal import Principal
from accounts.sign_in.session_store import stored_key

SEEN_AT_MOST_EVERY = 60  # seconds
EXTENDED_AT_MOST_EVERY = 60 * 60  # seconds
# However often it is used, a session ends when so much time has passed since the sign-in.
LONGEST = timedelta(days=90)
_SIGNED_IN_AT, _EXTENDED_AT = "signed_in_at", "extended_at"


class SessionActivityMiddleware:
    """Notes when, from where and with which browser a session was last used.

    It writes once a minute for each session and process, and not in every request.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Note the use of the session, if there is one and it is time; end one that is too old."""
        key = request.session.session_key
        if key and request.user.is_authenticated and caches["process"].add(f"seen:{key}", True, SEEN_AT_MOST_EVERY):
            if _go_on(request, key):
                _note(request, key)
            else:
                logout(request)
        return self.get_response(request)


def begin(request: HttpRequest) -> None:
    """Note in a session that it begins now, by a sign-in."""
    request.session[_SIGNED_IN_AT] = request.session[_EXTENDED_AT] = int(time.time())


def _go_on(request: HttpRequest, key: str) -> bool:
    """Let a session that is used live on for another SESSION_COOKIE_AGE; return False for one that is too old."""
    now, session = int(time.time()), request.session
    if _SIGNED_IN_AT not in session:  # it is from before this was noted
        began = UserSession.objects.filter(session_key=key).values_list("created_at", flat=True).first()
        session[_SIGNED_IN_AT] = int(began.timestamp()) if began else now
    if now - session[_SIGNED_IN_AT] >= LONGEST.total_seconds():
        return False
    if now - session.get(_EXTENDED_AT, 0) >= EXTENDED_AT_MOST_EVERY:
        session[_EXTENDED_AT] = now  # a session that has changed is saved, with a new end
    return True


def _note(request: HttpRequest, key: str) -> None:
    noted = UserSession.objects.filter(session_key=key).update(
        last_seen_at=timezone.now(),
        ip=get_adapter().get_client_ip(request),
        user_agent=request.META.get("HTTP_USER_AGENT", "")[:200],
    )
    if not noted:
        UserSession.objects.create_from_request(request)


@dataclass(frozen=True, slots=True)
class SessionInfo:
    """One session, as its account sees it."""

    id: int
    browser: str
    ip: str
    started_at: datetime
    last_seen_at: datetime
    is_current: bool


def list_sessions(account: Account, current_key: str | None) -> list[SessionInfo]:
    """Return the living sessions of an account, the current one first and then by last use."""
    noted = UserSession.objects.filter(user=account)
    alive = _alive(account, [session.session_key for session in noted])
    infos = [
        SessionInfo(
            session.pk,
            browser_name(session.user_agent),
            session.ip,
            session.created_at,
            session.last_seen_at,
            current_key is not None and session.session_key == stored_key(current_key),
        )
        for session in noted
        if session.session_key in alive
    ]
    return sorted(infos, key=lambda info: (not info.is_current, -info.last_seen_at.timestamp()))


def _alive(account: Account, keys: Iterable[str]) -> set[str]:
    """Return the keys of sessions that have not expired and would still let the account in."""
    expected = [account.get_session_auth_hash(), *account.get_session_auth_fallback_hash()]
    rows = Session.objects.filter(session_key__in=list(keys), expire_date__gt=timezone.now())
    hashes = {row.session_key: row.get_decoded().get(HASH_SESSION_KEY, "") for row in rows}
    return {key for key, kept in hashes.items() if any(constant_time_compare(kept, each) for each in expected)}


def end(account: Account, session_id: int, *, by: Principal) -> bool:
    """End one session of an account and return whether there was one; its next request is a stranger's."""
    return _end(account, UserSession.objects.filter(pk=session_id, user=account), by=by) > 0


def end_others(account: Account, current_key: str | None, *, by: Principal) -> int:
    """End all sessions of an account but the current one, and return how many."""
    return _end(account, UserSession.objects.filter(user=account).exclude(session_key=current_key), by=by)


def _end(account: Account, sessions: Iterable[UserSession], *, by: Principal) -> int:
    with transaction.atomic():
        ended = list(sessions)
        alive = _alive(account, [session.session_key for session in ended])
        for session in ended:
            session.end()
            if session.session_key in alive:
                ended_one = {"browser": browser_name(session.user_agent), "ip": session.ip}
                audit.record("session.ended", by=by, account_id=account.pk, session=ended_one)
    return len(alive)
