"""Finding an account by what a script calls it, and stopping whoever goes through a list of names.

Only lookups that find nobody are counted, so a script may share a thousand datasets with its colleagues. Whoever
missed too often learns nothing more for a while, of names that exist either.
"""

from http import HTTPStatus

from allauth.account.adapter import get_adapter
from django.core.cache import cache

from accounts import rate_limit
from accounts.errors import ApiError
from accounts.models import Account
from accounts.requests import ApiRequest

MISSES = 100
PER_SECONDS = 600
_ACTION = "account_lookup_missed"


def find_account(request: ApiRequest, text: str) -> Account | None:
    """Return the active account with this user ID, username or e-mail, or None.

    Raises:
        ApiError: 429 when whoever asks has named too many that do not exist.
    """
    who = request.principal.account_id or get_adapter(request).get_client_ip(request)
    stopped = f"{_ACTION}:stopped:{who}"
    if cache.get(stopped):
        raise _too_many()
    account = Account.objects.find(text)
    if account is None and not rate_limit.allowed(_ACTION, who, MISSES, PER_SECONDS):
        cache.set(stopped, True, PER_SECONDS)
        raise _too_many()
    return account


def _too_many() -> ApiError:
    return ApiError(
        HTTPStatus.TOO_MANY_REQUESTS,
        "rate-limit-exceeded",
        "Too many lookups of accounts that do not exist. Try again later.",
    )
