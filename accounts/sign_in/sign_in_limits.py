"""How often a password may be wrong, by who tries it.

Counted are an address (10 in a minute), an account and an address (5 in five minutes), and an account and all addresses
that never signed in to it (50 an hour), so that guessing from very many addresses is slow, too. An address may also
try no more than 30 passwords in a minute, right ones too, because each costs a hash. A browser that has signed in to
the account before is counted by itself alone: others, behind the same address too, cannot lock its user out.
"""

import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from allauth.core.internal import ratelimit
from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from accounts.lib import rate_limits
from accounts.lib.rate_limits import Usage
from accounts.models import Account, SignInAddress

ALL_FROM_ADDRESS, ALL_FROM_ADDRESS_SECONDS = 30, 60
WRONG_FROM_ADDRESS, WRONG_FROM_ADDRESS_SECONDS = 10, 60
BY_ADDRESS, BY_ADDRESS_SECONDS = 5, 300
BY_NEW_ADDRESSES, BY_NEW_ADDRESSES_SECONDS = 50, 3600
BY_BROWSER, BY_BROWSER_SECONDS = 10, 300
# An address that has not signed in for so long is new again.
ADDRESS_COUNTS_FOR = timedelta(days=90)
COOKIE_AGE = 365 * 24 * 60 * 60
# A browser that several people use knows the last of them.
_ACCOUNTS_OF_BROWSER = 10
_SALT = "latchkey.known-browser"
_PENDING = "known_browser"


@dataclass(frozen=True, slots=True)
class Attempt:
    """A password that is about to be tried, counted already."""

    usages: tuple[Usage, ...]

    def succeeded(self) -> None:
        """Take back what was counted: the password was right."""
        for usage in self.usages:
            usage.rollback()


def attempt(request: HttpRequest, login: str) -> Attempt | None:
    """Count a password that is about to be tried for what the user typed as `login`; None when that is too often.

    An account that does not exist is counted alike, by its name.
    """
    account_id = _account_id(login)
    key = account_id or login.strip().lower()
    browser = _browsers(request).get(account_id) if account_id else None
    if browser is not None:
        return _counted([("password-by-browser", browser, BY_BROWSER, BY_BROWSER_SECONDS)])
    address = ratelimit.get_ip(request)
    if not rate_limits.count_use("password-try", address, ALL_FROM_ADDRESS, ALL_FROM_ADDRESS_SECONDS):
        return None
    limits = [
        ("password-from-address", address, WRONG_FROM_ADDRESS, WRONG_FROM_ADDRESS_SECONDS),
        ("password-by-address", f"{key} {address}", BY_ADDRESS, BY_ADDRESS_SECONDS),
    ]
    if not _has_signed_in(account_id, address):
        limits.append(("password-by-new-addresses", key, BY_NEW_ADDRESSES, BY_NEW_ADDRESSES_SECONDS))
    return _counted(limits)


def remember(request: HttpRequest, account: Account) -> None:
    """Note that an account signed in from the request's address and browser.

    `KnownBrowserMiddleware` sets the cookie.
    """
    now = timezone.now()
    SignInAddress.objects.update_or_create(
        account=account, address=ratelimit.get_ip(request), defaults={"last_at": now}
    )
    SignInAddress.objects.filter(account=account, last_at__lt=now - ADDRESS_COUNTS_FOR).delete()
    known = _browsers(request)
    browser = known.pop(account.pk, None) or secrets.token_urlsafe(12)
    newest = [*known.items()][-(_ACCOUNTS_OF_BROWSER - 1) :]
    setattr(request, _PENDING, dict([*newest, (account.pk, browser)]))


class KnownBrowserMiddleware:
    """Gives a browser that has signed in the cookie that it is known by; it signs no user in."""

    def __init__(self, get_response: Any) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Set the cookie after a sign-in."""
        response: HttpResponse = self.get_response(request)
        known = getattr(request, _PENDING, None)
        if known is not None:
            response.set_cookie(
                settings.KNOWN_BROWSER_COOKIE_NAME,
                signing.dumps(known, salt=_SALT),
                max_age=COOKIE_AGE,
                secure=settings.SESSION_COOKIE_SECURE,
                httponly=True,
                samesite="Lax",
            )
        return response


def _counted(limits: list[tuple[str, str, int, int]]) -> Attempt | None:
    usages: list[Usage] = []
    for action, key, limit, per_seconds in limits:
        usage = rate_limits.take_use(action, key, limit, per_seconds)
        if usage is None:
            Attempt(tuple(usages)).succeeded()  # a refused attempt counts nowhere
            return None
        usages.append(usage)
    return Attempt(tuple(usages))


def _account_id(login: str) -> str:
    """Return the ID of the account that a password is tried for; "" where there is none."""
    found = Account.objects.named_at_sign_in(login)
    return found.pk if found else ""


def _browsers(request: HttpRequest) -> dict[str, str]:
    """Return what the request's browser is known by, for each account that signed in with it."""
    try:
        known = signing.loads(
            request.COOKIES.get(settings.KNOWN_BROWSER_COOKIE_NAME, ""), salt=_SALT, max_age=COOKIE_AGE
        )
    except signing.BadSignature:
        return {}
    return {str(account_id): str(browser) for account_id, browser in known.items()}


def _has_signed_in(account_id: str, address: str) -> bool:
    since = timezone.now() - ADDRESS_COUNTS_FOR
    return SignInAddress.objects.filter(account_id=account_id, address=address, last_at__gt=since).exists()
