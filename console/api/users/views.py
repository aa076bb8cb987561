"""Accounts, as they see themselves and as everybody sees them."""

from collections import Counter
from typing import Any

from django.conf import settings
from django.http import HttpResponse

from accounts.lib.api_errors import record_not_found
from accounts.lib.timestamps import iso
from accounts.models import Account
from accounts.request_types import ApiRequest
from console.api.users.limits import get_limits_of_plan
from console.api.users.lookup import find_account
from console.http import json_responses
from resources.runs.proxy_password import make_proxy_password
from sharing.declare import any_token, public
from sharing.token_limits import is_told_all_of_account

# What the clients' models ask about, and what of it this server has.
_FEATURES = (
    "ACTORS",
    "STORAGE",
    "SCHEDULER",
    "PROXY",
    "PROXY_EXTERNAL_ACCESS",
    "PROXY_RESIDENTIAL",
    "PROXY_SERPS",
    "WEBHOOKS",
    "ACTORS_PUBLIC_ALL",
    "ACTORS_PUBLIC_DEVELOPER",
)
_ENABLED = frozenset({"ACTORS", "PROXY", "SCHEDULER", "STORAGE", "WEBHOOKS"})


@any_token("a token that is for less than its account is told what everybody may know of it")
def show_own_user(request: ApiRequest) -> HttpResponse:
    """Answer with the account that the token speaks for: all of it, or the public part and its ID to a narrowed token.

    The SDKs ask for it from within runs, and take every field but the username to be optional.
    """
    account = Account.objects.get(pk=request.principal.account_id)
    public_part = {"id": account.pk, **_public_part(account)}
    if not is_told_all_of_account(request.principal):
        return json_responses.data_response(public_part)
    return json_responses.data_response(
        {
            **public_part,
            **({} if account.is_organization else {"email": account.email}),
            "proxy": {"password": make_proxy_password(account.pk), "groups": _proxy_groups()},
            "plan": _PLAN | get_limits_of_plan() | {"availableProxyGroups": _count_proxies()},
            "effectivePlatformFeatures": {name: _feature(name) for name in _FEATURES},
            "createdAt": iso(account.created_at),
            "isPaying": False,
        }
    )


@public("what everybody may know of an account is its username")
def show_user(request: ApiRequest, user: str) -> HttpResponse:
    """Answer with what is public of the account with this ID or username; an email finds no account here."""
    account = None if "@" in user else find_account(request, user)
    if account is None:
        raise record_not_found("User was not found.")
    return json_responses.data_response(_public_part(account))


def _public_part(account: Account) -> dict[str, Any]:
    return {"username": account.username, "profile": {"name": account.username}}


def _count_proxies() -> dict[str, int]:
    """Return how many proxies there are of each group."""
    return Counter(upstream.group for upstream in settings.PROXIES if upstream.group)


def _proxy_groups() -> list[dict[str, Any]]:
    return [{"name": name, "description": None, "availableCount": count} for name, count in _count_proxies().items()]


def _feature(name: str) -> dict[str, Any]:
    enabled = name in _ENABLED
    return {
        "isEnabled": enabled,
        "disabledReason": None if enabled else "This server does not have this feature.",
        "disabledReasonType": None if enabled else "DISABLED",
        "isTrial": False,
        "trialExpirationAt": None,
    }


# There is nothing to buy, so this plan costs nothing; the clients' models require it to be there.
_PLAN = {
    "id": "SELF_HOSTED",
    "description": "Self-hosted",
    "isEnabled": True,
    "monthlyBasePriceUsd": 0,
    "monthlyUsageCreditsUsd": 0,
    "usageDiscountPercent": 0,
    "enabledPlatformFeatures": sorted(_ENABLED),
}
