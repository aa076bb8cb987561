"""Find an account by user ID, username or email; rate-limit failed lookups.

Only lookups that find no account are counted, so a script may share a thousand datasets with its colleagues. A client
with too many of them gets no answer for a while, of names that exist either, except for its own account and those that
it knows already.
"""

from http import HTTPStatus

from django.db.models import QuerySet

from accounts import enumeration
from accounts.lib.api_errors import ApiError
from accounts.models import Account
from accounts.request_types import ApiRequest

_ACCOUNTS = "account"


def find_account(request: ApiRequest, text: str, known: QuerySet[Account] | None = None) -> Account | None:
    """Return the active account with this user ID, username or e-mail, or None.

    The client's own account and the `known` ones are always found, active or not.

    Raises:
        ApiError: 429 when the client has named too many that do not exist.
    """
    principal = request.principal
    if principal.is_called(text):
        known = Account.objects.filter(pk=principal.account_id)
    account = Account.objects.find(text, among=known) if known is not None else None
    return account or _look_up(text, enumeration.client_key(request, principal))


def _look_up(text: str, who: str) -> Account | None:
    if enumeration.is_limited(_ACCOUNTS, who):
        raise _too_many()
    account = Account.objects.find(text)
    if account is None and enumeration.count_miss(_ACCOUNTS, who):
        raise _too_many()
    return account


def _too_many() -> ApiError:
    return ApiError(
        HTTPStatus.TOO_MANY_REQUESTS,
        "rate-limit-exceeded",
        "Too many lookups of accounts that do not exist. Try again later.",
    )
